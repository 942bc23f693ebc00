// Draws a terrain: its height as light, contours each tenth, hatched where no example is near.

import { fit, pen } from "./drawing.js";

const LIGHT = ["#15131d", "#3a2b6b", "#8a3b78", "#e0705a", "#ffb347", "#fff1cf"].map(rgb); // low to high
const LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const HATCH = 9; // px between the lines that mark what lies outside of the examples
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/** `told` as the panel drew it: side, ground, outside, examples, wanted. */
export function drawTerrain(canvas, told) {
  const { width, height } = fit(canvas);
  if (!width) return;
  const ink = pen(canvas);
  const x = (value) => value * width;
  const y = (value) => (1 - value) * height;
  ink.clearRect(0, 0, width, height);
  if (told.ground) {
    spread(ink, told, width, height, (place) => [...colour(told.ground[place]), 255]);
    hatch(ink, told, width, height);
    contours(ink, told, x, y);
  }
  for (const [across, up, value, away] of told.examples) {
    ink.globalAlpha = Math.max(0.3, 1 - away); // what lies far from this cut says little of it
    disc(ink, x(across), y(up), 6.5, "#0b0a10");
    disc(ink, x(across), y(up), 5, "#ffffff");
    disc(ink, x(across), y(up), 3.5, `rgb(${colour(value)})`);
  }
  ink.globalAlpha = 1;
  if (told.wanted) cross(ink, x(told.wanted[0]), y(told.wanted[1]));
}

/** Point by point into a small picture, which the browser then spreads smoothly. Rows are given from below. */
function spread(ink, { side }, width, height, shade) {
  const small = new OffscreenCanvas(side, side);
  const picture = new ImageData(side, side);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      picture.data.set(shade(row * side + column), 4 * ((side - 1 - row) * side + column));
    }
  }
  small.getContext("2d").putImageData(picture, 0, 0);
  ink.imageSmoothingQuality = "high";
  // The first and last points lie on the edges, so half a point of the small picture is beyond each.
  ink.drawImage(small, 0.5, 0.5, side - 1, side - 1, 0, 0, width, height);
}

function hatch(ink, told, width, height) {
  if (!told.outside.some((far) => far > 0)) return;
  const lines = new OffscreenCanvas(Math.ceil(width), Math.ceil(height));
  const above = lines.getContext("2d");
  spread(above, told, width, height, (place) => [11, 10, 16, Math.min(1, 4 * told.outside[place]) * 150]);
  above.globalCompositeOperation = "source-in";
  above.strokeStyle = "#0b0a10";
  above.lineWidth = HATCH / 2.4;
  above.beginPath();
  for (let at = -height; at < width; at += HATCH) {
    above.moveTo(at, height);
    above.lineTo(at + height, 0);
  }
  above.stroke();
  ink.drawImage(lines, 0, 0, width, height);
}

/** Marching squares: a line through each cell between the edges that a level crosses. */
function contours(ink, { side, ground }, x, y) {
  ink.strokeStyle = "#ffffff";
  for (const level of LEVELS) {
    ink.beginPath();
    for (let cell = 0; cell < side * side - side; cell += 1) {
      if (cell % side === side - 1) continue;
      const [column, row] = [cell % side, Math.floor(cell / side)];
      const crossed = [];
      CORNERS.forEach(([right, up], corner) => {
        const [nextRight, nextUp] = CORNERS[(corner + 1) % 4];
        const [here, there] = [ground[cell + right + up * side], ground[cell + nextRight + nextUp * side]];
        if (here < level === there < level) return;
        const share = (level - here) / (there - here);
        crossed.push([x((column + right + share * (nextRight - right)) / (side - 1)),
          y((row + up + share * (nextUp - up)) / (side - 1))]);
      });
      for (let pair = 0; pair + 1 < crossed.length; pair += 2) {
        ink.moveTo(...crossed[pair]);
        ink.lineTo(...crossed[pair + 1]);
      }
    }
    ink.globalAlpha = level === 0.5 ? 0.55 : 0.26;
    ink.lineWidth = level === 0.5 ? 1.6 : 1;
    ink.stroke();
  }
  ink.globalAlpha = 1;
}

function cross(ink, x, y) {
  for (const [stroke, wide] of [["#0b0a10", 6], ["#4fd8ff", 2.5]]) {
    ink.strokeStyle = stroke;
    ink.lineWidth = wide;
    ink.beginPath();
    ink.arc(x, y, 14, 0, 2 * Math.PI);
    ink.moveTo(x - 6, y);
    ink.lineTo(x + 6, y);
    ink.moveTo(x, y - 6);
    ink.lineTo(x, y + 6);
    ink.stroke();
  }
}

function disc(ink, x, y, radius, fill) {
  ink.fillStyle = fill;
  ink.beginPath();
  ink.arc(x, y, radius, 0, 2 * Math.PI);
  ink.fill();
}

function colour(value) {
  const at = Math.min(Math.max(value, 0), 1) * (LIGHT.length - 1);
  const low = Math.min(Math.floor(at), LIGHT.length - 2);
  return LIGHT[low].map((part, which) => Math.round(part + (at - low) * (LIGHT[low + 1][which] - part)));
}

function rgb(hex) {
  return [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
}
