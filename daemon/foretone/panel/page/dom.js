// Small help with the document. Whatever comes from outside goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** A new element; string children become text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Change text only when it differs: a screen reader is not told the same thing thirty times a second. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Change an attribute only when it differs. */
export function mark(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
