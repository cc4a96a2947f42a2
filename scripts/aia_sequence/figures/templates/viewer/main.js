// ---- controls

const first = new Sequence(about, unpack);
const state = {
  ...FRESH, index: 0, playing: false, timer: 0, direction: 1, from: 0, to: about.frames.length - 1, blinking: 0, top: "first", second: null,
  tool: "pixel", shape: null, drawing: null, width: first.pixel, points: null, distance: null, ready: false,
  limits: { brightness: freshLimits(), running: [-1, 1], base: [-1, 1], ratio: [0.5, 2] }, chosen: {},
};

function freshLimits() { return about.limits.map((value) => Number(value.toPrecision(4))); }

// Limits of differences are chosen from their numbers, once for each kind.
async function prepareLimits(sequence) {
  const { kind } = state;
  if (kind === "brightness" || (sequence === first && state.chosen[kind])) return;
  const limits = await chooseLimits(sequence, kind);
  if (sequence === first) state.limits[kind] = limits;
  else sequence.limits = { ...sequence.limits, [kind]: limits };
}

function setLimits(limits) {
  state.limits[state.kind] = limits;
  state.chosen[state.kind] = true;
}

function writeControls() {
  for (const id of ["kind", "stretch", "saturated", "speed", "loop", "show"]) $(id).value = String(state[id]);
  for (const id of ["limb", "grid", "bar"]) $(id).checked = state[id];
  $("divider").value = state.divider;
  $("base").value = state.base + 1;
  $("back-frames").value = state.back;
  $("width").value = state.width;
  $("from").value = state.from + 1;
  $("to").value = state.to + 1;
  for (const tool of Object.keys(TOOLS)) $(`tool-${tool}`).checked = state.tool === tool;
  writeLimits();
  $("width-label").hidden = state.tool !== "slit";
  canvas.classList.toggle("draws", state.tool !== "pixel");
}

function writeLimits() {
  const { kind } = state;
  [$("low").value, $("high").value] = state.limits[kind];
  $("stretch").disabled = kind !== "brightness";
  $("back-label").hidden = kind !== "running";
  $("base-label").hidden = kind !== "base" && kind !== "ratio";
  for (const unit of document.querySelectorAll(".unit")) unit.textContent = unitOf(kind);
}

async function restretch() {
  const low = Number($("low").value), high = Number($("high").value), ratio = state.kind === "ratio";
  const wrong = !(high > low) ? "White must be brighter than black." : ratio && !(low > 0) ? "A ratio is more than zero." : "";
  $("high").setCustomValidity(wrong);
  if (!$("high").reportValidity()) return;
  setLimits([low, high]);
  state.stretch = $("stretch").value;
  await refresh();
  drawDistance();
}

async function resetLimits() {
  state.chosen[state.kind] = false;
  if (state.kind === "brightness") state.limits.brightness = freshLimits();
  await prepareLimits(first);
  writeLimits();
  $("high").setCustomValidity("");
  await refresh();
  drawDistance();
}

// Another kind of picture, or another frame that it is taken to.
async function changeKind() {
  state.kind = $("kind").value;
  state.back = Math.max(1, Math.round(Number($("back-frames").value) || 1));
  state.base = Math.min(Math.max(0, Math.round(Number($("base").value) || 1) - 1), about.frames.length - 1);
  await prepareLimits(first);
  if (state.second) await prepareLimits(state.second);
  writeControls();
  await refresh();
  if (state.shape?.tool === "slit") await drawCharts();
}

function chooseTool(tool) {
  state.tool = tool;
  if (state.shape && state.shape.tool !== tool) measure(null);
  writeControls();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("stage").requestFullscreen?.().catch(() => tell("This browser shows no full screen here."));
}

const range = (id) => Math.min(Math.max(0, Math.round(Number($(id).value) || 1) - 1), about.frames.length - 1);
const actions = {
  play: playOrPause, back: () => step(-1), next: () => step(1), first: () => { play(false); show(0); },
  last: () => { play(false); show(about.frames.length - 1); }, "reset-limits": resetLimits, "zoom-in": () => zoomBy(1.5), "zoom-out": () => zoomBy(1 / 1.5),
  "zoom-reset": wholeRegion, clear: () => measure(null), "save-picture": savePicture, "copy-link": copyLink, "full-screen": fullScreen, blink,
  "save-curve": () => saveAs(fileName(state.points ? state.shape.tool : "region", "csv"), curveTable()),
  "save-distance": () => saveAs(fileName("slit", "csv"), distanceTable()), "base-here": () => { $("base").value = state.index + 1; changeKind(); },
};
const changes = {
  speed: () => { state.speed = Number($("speed").value); remember(); }, loop: () => { state.loop = $("loop").value; state.direction = 1; remember(); },
  stretch: restretch, low: restretch, high: restretch, kind: changeKind, "back-frames": changeKind, base: changeKind,
  saturated: () => { state.saturated = $("saturated").value; refresh(); }, points: typedPoints,
  width: () => { state.width = Math.max(first.pixel, Number($("width").value) || first.pixel); remember(); drawCharts(); },
  second: () => chooseChannel(Number($("second").value)), show: () => setShow($("show").value),
  from: () => { state.from = range("from"); writeControls(); }, to: () => { state.to = range("to"); writeControls(); },
};

// Keys work wherever no text or choice is being made.
const keys = {
  " ": playOrPause, ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: actions.first, End: actions.last,
  "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: wholeRegion,
  b: blink, f: fullScreen, g: () => $("grid").click(), Escape: () => measure(null),
};
const PAN = 60;
const pans = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { tagName: tag, type } = event.target;
  if (tag === "INPUT" && !["checkbox", "radio", "range"].includes(type) || tag === "SELECT") return;
  if (event.key.startsWith("Arrow") && (type === "radio" || event.target.id === "divider")) return;
  if (event.key === " " && ["BUTTON", "SUMMARY", "INPUT"].includes(tag)) return;
  const pan = event.shiftKey && pans[event.key], action = keys[event.key];
  if (!pan && !action) return;
  event.preventDefault();
  if (pan) panBy(...pan);
  else action();
}

function bind() {
  for (const [id, action] of Object.entries(actions)) $(id).onclick = action;
  for (const [id, action] of Object.entries(changes)) $(id).onchange = action;
  for (const id of ["limb", "grid", "bar"]) $(id).onchange = () => { state[id] = $(id).checked; draw(); remember(); };
  for (const tool of Object.keys(TOOLS)) $(`tool-${tool}`).onchange = () => chooseTool(tool);
  $("slider").max = about.frames.length - 1;
  $("slider").oninput = () => { play(false); show(Number($("slider").value)); };
  $("divider").oninput = () => { state.divider = Number($("divider").value); draw(); remember(); };
  for (const id of ["from", "to", "base"]) $(id).max = about.frames.length;
  for (const id of ["low", "high"]) $(id).step = "any";
  $("width").step = $("width").min = first.pixel;
  $("distance").onclick = (event) => jump($("distance"), event, chartLeft);
  document.addEventListener("keydown", pressed);
  new ResizeObserver(draw).observe(canvas.parentElement);
  new ResizeObserver(renderCharts).observe($("curve").parentElement);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { draw(); drawDistance(); });
  $("swatch-saturated").style.background = `rgb(${about.saturated})`;
  $("swatch-missing").style.background = `rgb(${MISSING})`;
}

async function start() {
  fillTables();
  bind();
  await restoreView(location.hash.slice(1));
  state.ready = true;
  document.body.dataset.ready = "true";
  remember();
}

if (SERVES) serve();
else start();
