// ---- the address restores the view: frame, zoom, picture, channels, shape

// What differs from a fresh page stands behind the "#"; other channels' pages understand it, as offsets are from the
// region's middle and frames are named by their time.
const FRESH = { zoom: 1, x: 0, y: 0, kind: "brightness", show: "first", saturated: "fill", limb: true, grid: false, bar: true, loop: "repeat", speed: 5, back: 1, base: 0, divider: 50, stretch: about.stretch };
const number = (text) => text !== null && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : null;
// Addresses may hold these as they are, and are read more easily so.
const plainly = (words) => words.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
const rounded = (value) => String(Number(value.toPrecision(6)));

function viewText() {
  const words = new URLSearchParams();
  if (state.index) words.set("time", about.frames[state.index].time);
  for (const [key, fresh] of Object.entries(FRESH)) {
    if (state[key] !== fresh) words.set(key, typeof fresh === "number" ? rounded(state[key]) : String(state[key]));
  }
  if (state.second) words.set("second", String(state.second.about.channel));
  if (state.shape) words.set(state.shape.tool, state.shape.points.map((point) => point.map(rounded).join(",")).join(";"));
  if (state.shape?.tool === "slit" && state.width !== first.pixel) words.set("width", rounded(state.width));
  const [low, high] = state.limits[state.kind];
  if (state.chosen[state.kind]) words.set("limits", `${rounded(low)},${rounded(high)}`);
  return plainly(words);
}

let written = "", due = 0;

// Not while frames follow each other: browsers refuse addresses that change too often.
function remember() {
  clearTimeout(due);
  if (!state.ready || state.playing) return;
  due = setTimeout(() => {
    written = viewText();
    try {
      history.replaceState(null, "", `#${written}`);
    } catch {
      // Within another page, such as a report, there may be no address to change.
    }
    for (const link of document.querySelectorAll("a.channel")) link.hash = otherView(written);
  }, 150);
}

// Limits and the second channel are this channel's own.
function otherView(text) {
  const words = new URLSearchParams(text);
  for (const key of ["limits", "second", "show", "divider"]) words.delete(key);
  return plainly(words);
}

// Take over what an address says; what cannot be understood is left as it is.
async function restoreView(text) {
  const words = new URLSearchParams(text);
  for (const [key, fresh] of Object.entries(FRESH)) {
    const word = words.get(key), control = document.querySelector(`select#${key}`);
    state[key] = fresh;
    if (word === null || key === "show") continue;
    if (typeof fresh === "number") state[key] = number(word) ?? fresh;
    else if (typeof fresh === "boolean") state[key] = word === "true";
    else if ([...control.options].some((option) => option.value === word)) state[key] = word;
  }
  state.zoom = Math.min(Math.max(state.zoom, 1), MOST_ZOOM);
  state.base = Math.min(Math.max(0, Math.round(state.base)), about.frames.length - 1);
  state.back = Math.max(1, Math.round(state.back));
  state.divider = Math.min(Math.max(state.divider, 0), 100);
  state.speed = [...$("speed").options].map((option) => Number(option.value)).includes(state.speed) ? state.speed : FRESH.speed;
  state.width = number(words.get("width")) ?? first.pixel;
  state.shape = null;
  for (const tool of Object.keys(TOOLS)) {
    const points = words.get(tool)?.split(";").map((pair) => pair.split(",").map(Number)) ?? [];
    if (points.length >= FEWEST[tool] && points.every((point) => point.length === 2 && point.every(Number.isFinite))) Object.assign(state, { tool, shape: { tool, points } });
  }
  await prepareLimits(first);
  const limits = words.get("limits")?.split(",").map(Number);
  if (limits?.length === 2 && limits[0] < limits[1]) setLimits(limits);
  const time = words.get("time"), index = about.frames.findIndex((frame) => frame.time === time), moment = Date.parse(time ?? "");
  state.index = index >= 0 ? index : Number.isFinite(moment) ? nearest(first.times, taiOf(moment / 1000 - EPOCH)) : 0;
  if (words.get("second") && [...$("second").options].some((option) => option.value === words.get("second"))) {
    const show = [...$("show").options].some((option) => option.value === words.get("show")) ? words.get("show") : "first";
    await chooseChannel(Number(words.get("second")), words.has("show") ? show : "side");
  } else {
    state.second = null;
    setShow("first");
  }
  writeControls();
  canvas.classList.toggle("zoomed", state.zoom > 1);
  await show(state.index, false);
  writePoints();
  await drawCharts();
}

window.addEventListener("hashchange", () => {
  const text = location.hash.slice(1);
  if (decodeURIComponent(text) !== decodeURIComponent(written)) restoreView(text);
});

async function copyLink() {
  const address = `${location.href.split("#")[0]}#${viewText()}`;
  try {
    await navigator.clipboard.writeText(address);
    tell("The link to this view is copied.");
  } catch {
    tell("The address of this page is the link to this view.");
  }
}
