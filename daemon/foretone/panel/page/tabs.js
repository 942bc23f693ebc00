// Which part of the page is seen. Arrow keys move along the tabs; the address keeps the choice.

import { byId } from "./dom.js";

export class Tabs {
  /** `shown(name)` is called whenever another one is chosen. */
  constructor(list, shown) {
    this.tabs = [...list.querySelectorAll("[role=tab]")];
    this.shown = shown;
    for (const tab of this.tabs) tab.addEventListener("click", () => this.press(tab));
    list.addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.fromAddress());
    this.fromAddress();
  }

  fromAddress() {
    this.asked = this.tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
    this.choose(this.asked && !this.asked.hidden ? this.asked : this.tabs[0]);
  }

  /** A tab comes or goes. One that the address asked for is chosen once it comes. */
  offer(tab, there) {
    tab.hidden = !there;
    if (there && this.asked === tab) this.choose(tab);
    if (!there && this.chosen === tab) this.choose(this.tabs[0]);
  }

  press(tab) {
    this.asked = undefined;
    this.choose(tab);
  }

  choose(chosen) {
    if (chosen === this.chosen) return;
    this.chosen = chosen;
    for (const tab of this.tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    const name = chosen.getAttribute("aria-controls");
    history.replaceState(null, "", `#${name}`);
    this.shown(name);
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const seen = this.tabs.filter((tab) => !tab.hidden);
    const next = seen.at((seen.indexOf(this.chosen) + step) % seen.length);
    this.press(next);
    next.focus();
  }
}
