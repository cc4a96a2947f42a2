// ---- frames shown one after the other

let ticket = 0;

// What a screen reader says, and what everybody is told, for some seconds.
const say = (text) => { $("status").textContent = text; };
let silence = 0;

function tell(text) {
  say(text);
  $("message").textContent = text;
  $("message").hidden = !text;
  clearTimeout(silence);
  silence = setTimeout(() => { $("message").hidden = true; }, 6000);
}

// Paint the frames that are to be seen, and draw; false if another call came later.
async function refresh() {
  const mine = ++ticket, visible = shown();
  const pictures = await Promise.all(visible.map(({ sequence, index }) => pictureOf(sequence, index)));
  if (mine !== ticket) return false;
  visible.forEach(({ sequence }, number) => {
    sequence.shown = pictures[number];
    paint(sequence, pictures[number]);
  });
  draw();
  describe();
  remember();
  return true;
}

async function show(index, announce = true) {
  state.index = Math.min(Math.max(index, 0), about.frames.length - 1);
  const frame = about.frames[state.index];
  $("slider").value = state.index;
  const text = `Frame ${state.index + 1} of ${about.frames.length}, ${clockOf(frame.time)} UTC, exposure ${frame.exposure.toFixed(3)} s`;
  $("slider").setAttribute("aria-valuetext", text);
  if (!await refresh()) return;
  const other = state.second && nearest(state.second.times, frame.tai);
  const delay = state.second ? state.second.times[other] - frame.tai : 0;
  const beside = state.second ? `; ${state.second.about.channel} Å ${delay < 0 ? "\u2212" : "+"}${Math.abs(delay).toFixed(1)} s` : "";
  $("clock").replaceChildren(`${clockOf(frame.time)} UTC`, small(`frame ${state.index + 1} of ${about.frames.length}, exposure ${frame.exposure.toFixed(3)} s${beside}`));
  canvas.setAttribute("aria-label", `${about.name}. ${text}`);
  document.body.dataset.frame = state.index;
  if (announce) say(text);
  moveCursors();
  markRow();
  $("header").textContent = (await headers)[state.index];
  if (state.index + 1 < about.frames.length) first.frame(state.index + 1);
}

function small(text) {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}

function play(on) {
  state.playing = on;
  clearTimeout(state.timer);
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", String(on));
  if (on) advance();
  else remember();
}

// The frame after the shown one within the range that is played; null at the end of a sequence played once.
function following() {
  const low = Math.min(state.from, state.to), high = Math.max(state.from, state.to), next = state.index + state.direction;
  if (next >= low && next <= high) return next;
  if (state.loop === "once") return state.index < low || state.index > high ? low : null;
  if (state.loop === "repeat" || low === high) return low;
  state.direction = next > high ? -1 : 1;
  return Math.min(Math.max(state.index + state.direction, low), high);
}

async function advance() {
  const started = performance.now(), next = following();
  if (next === null) { play(false); return; }
  await show(next, false);
  if (!state.playing) return;
  state.timer = setTimeout(advance, Math.max(0, 1000 / state.speed - (performance.now() - started)));
}

function step(by) {
  play(false);
  show(state.index + by);
}

function playOrPause() {
  // Played once to its end, a sequence begins again.
  if (!state.playing && state.loop === "once" && state.index >= Math.max(state.from, state.to)) state.index = Math.min(state.from, state.to) - 1;
  if (state.loop !== "swing") state.direction = 1;
  play(!state.playing);
}
