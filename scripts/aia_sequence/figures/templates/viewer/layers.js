// ---- the second channel: another page of the event hands over its frames

// A page that is opened as `#layer` within another shows nothing and answers it. From disk pages have no origin to name.
const ORIGIN = location.protocol === "file:" ? "*" : location.origin;
const SERVES = window.parent !== window && location.hash === "#layer";
const PATIENCE = 2000;

function serve() {
  window.addEventListener("message", async ({ source, data }) => {
    if (source !== window.parent || typeof data?.want !== "number") return;
    window.parent.postMessage({ index: data.want, frame: await unpack(data.want) }, ORIGIN);
  });
  window.parent.postMessage({ about }, ORIGIN);
}

// The sequence of another channel of the event, whose page lies in the folder beside this one.
function openChannel(channel) {
  const page = document.createElement("iframe"), waiting = new Map();
  page.hidden = true;
  page.title = `Frames of ${channel} Å`;
  page.src = `../${channel}/viewer.html#layer`;
  return new Promise((found, failed) => {
    let late = 0;
    const fail = () => { page.remove(); failed(new Error(`There is no viewer of ${channel} Å beside this file.`)); };
    // A page that is there has spoken before it is loaded; one that is not loads the browser's own words.
    page.onload = () => { late = setTimeout(fail, PATIENCE); };
    const ask = (index) => new Promise((answer) => {
      waiting.set(index, answer);
      page.contentWindow.postMessage({ want: index }, ORIGIN);
    });
    window.addEventListener("message", ({ source, data }) => {
      if (source !== page.contentWindow) return;
      if (data.about?.channel === channel) { clearTimeout(late); page.onload = null; found(new Sequence(data.about, ask)); }
      if (data.frame) { waiting.get(data.index)?.(data.frame); waiting.delete(data.index); }
    });
    document.body.append(page);
  });
}

const opened = new Map();

async function chooseChannel(channel, show = state.show) {
  if (!channel) { state.second = null; setShow("first"); return; }
  if (!opened.has(channel)) opened.set(channel, openChannel(channel));
  tell(`Loading ${channel} Å …`);
  try {
    state.second = await opened.get(channel);
  } catch (error) {
    opened.delete(channel);
    $("second").value = "";
    tell(error.message);
    return;
  }
  tell("");
  if (state.kind !== "brightness") await prepareLimits(state.second);
  setShow(show === "first" ? "side" : show);
}

function setShow(show) {
  state.show = state.second ? show : "first";
  state.top = state.show === "second" ? "second" : "first";
  $("second").value = state.second ? String(state.second.about.channel) : "";
  $("show").value = state.show;
  $("show").disabled = !state.second;
  $("divider-label").hidden = state.show !== "divided";
  clearInterval(state.blinking);
  if (state.show === "blink") state.blinking = setInterval(blink, 700);
  return refresh();
}

// The other of the two channels on top.
function blink() {
  if (!state.second) { tell("Choose a second channel to blink."); return; }
  if (state.show === "side" || state.show === "divided") setShow("first");
  state.top = state.top === "first" ? "second" : "first";
  if (state.show !== "blink") state.show = $("show").value = state.top;
  refresh();
}

// Channels and frames on the screen: the second channel shows its frame nearest in time.
function shown() {
  const both = { first: { sequence: first, index: state.index } };
  if (!state.second) return [both.first];
  both.second = { sequence: state.second, index: nearest(state.second.times, first.times[state.index]) };
  return state.show === "side" || state.show === "divided" ? [both.first, both.second] : [both[state.top]];
}
