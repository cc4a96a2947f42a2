// ---- the view: where places on the Sun are on the canvas

// Offsets are in arcsec from the middle of the region, so that a view holds for other frames and channels. At zoom 1 the
// whole region fits; state.x and state.y are the offset of the canvas's middle.
const MOST_ZOOM = 40;

function margins(wide) {
  return wide < 560 ? { left: 0, right: 0, top: 0, bottom: 40, narrow: true } : { left: 56, right: 84, top: 8, bottom: 44, narrow: false };
}

// The panels of the canvas: which frame of which channel lies where, and which part of it is seen.
function panels(width, height) {
  const visible = shown(), beside = state.show === "side" ? 2 : 1, margin = margins(width / beside);
  return visible.map(({ sequence, index }, number) => {
    const shift = beside === 2 ? number * width / 2 : 0;
    const room = {
      x: shift + margin.left, y: margin.top,
      wide: Math.max(20, width / beside - margin.left - margin.right), high: Math.max(20, height - margin.top - margin.bottom),
    };
    if (beside === 2 && margin.narrow) room.wide -= 2;
    const { box, ...mapping } = transform(sequence, index, room), clip = { ...box };
    if (state.show === "divided") {
      const at = box.wide * state.divider / 100;
      if (number === 0) clip.wide = at;
      else { clip.x += at; clip.wide -= at; }
    }
    return { sequence, index, room, box, clip, margin, number, ...mapping };
  });
}

// How a frame lies in the room of its panel: its box takes no more of it than the region needs.
function transform(sequence, index, room) {
  const at = sequence.place(index), scale = Math.min(room.wide / at.wide, room.high / at.high) * state.zoom;
  const wide = Math.min(room.wide, at.wide * scale), high = Math.min(room.high, at.high * scale);
  const box = { x: room.x + (room.wide - wide) / 2, y: room.y + (room.high - high) / 2, wide, high };
  const limit = (side, length) => Math.max(0, (side - length / scale) / 2), clamp = (value, most) => Math.min(Math.max(value, -most), most);
  state.x = clamp(state.x, limit(at.wide, box.wide));
  state.y = clamp(state.y, limit(at.high, box.high));
  const { x, y } = state;
  return {
    at, scale, box,
    toX: (offset) => box.x + box.wide / 2 + (offset - x) * scale, toY: (offset) => box.y + box.high / 2 - (offset - y) * scale,
    fromX: (pixels) => (pixels - box.x - box.wide / 2) / scale + x, fromY: (pixels) => y - (pixels - box.y - box.high / 2) / scale,
  };
}

// The panel below a place of the canvas, and the offset there; null beyond the panels.
function under(x, y) {
  const found = panels(canvas.clientWidth, canvas.clientHeight)
    .find(({ clip }) => x >= clip.x && x <= clip.x + clip.wide && y >= clip.y && y <= clip.y + clip.high);
  return found ? { panel: found, x: found.fromX(x), y: found.fromY(y) } : null;
}

// Zoom; the place below x, y of the canvas stays where it is.
function zoomBy(factor, x, y) {
  const found = x === undefined ? null : under(x, y);
  state.zoom = Math.min(Math.max(state.zoom * factor, 1), MOST_ZOOM);
  if (found) {
    const { box, scale } = transform(found.panel.sequence, found.panel.index, found.panel.room);
    state.x = found.x - (x - box.x - box.wide / 2) / scale;
    state.y = found.y + (y - box.y - box.high / 2) / scale;
  }
  viewChanged();
}

// Move the picture by pixels of the canvas.
function panBy(right, down) {
  const [{ scale, sequence, index, room }] = panels(canvas.clientWidth, canvas.clientHeight);
  state.x -= right / scale;
  state.y += down / scale;
  transform(sequence, index, room);
  viewChanged();
}

function wholeRegion() {
  Object.assign(state, { zoom: 1, x: 0, y: 0 });
  viewChanged();
}

function viewChanged() {
  canvas.classList.toggle("zoomed", state.zoom > 1);
  draw();
  remember();
}
