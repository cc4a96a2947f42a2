// ---- files for a talk or a table

function saveAs(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A name without characters that a file system minds.
const fileName = (what, ending) => `${about.event}_${about.channel}_${what}.${ending}`.replace(/[^\w.+-]+/g, "-");
const stamp = () => about.frames[state.index].time.replace(/[-:]/g, "").replace(/\.\d+/, "");

// The image as it is shown, twice as fine, below a line that says what it is; on white.
function savePicture() {
  const width = canvas.clientWidth, height = canvas.clientHeight, line = 26, ratio = 2, page = document.createElement("canvas");
  [page.width, page.height] = [width * ratio, (height + line) * ratio];
  const context = page.getContext("2d"), part = document.createElement("canvas");
  [part.width, part.height] = [width * ratio, height * ratio];
  drawPanels(part.getContext("2d"), width, height, ratio, "black", "white");
  context.fillStyle = "white";
  context.fillRect(0, 0, page.width, page.height);
  context.drawImage(part, 0, line * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = "black";
  context.font = "600 13px system-ui, sans-serif";
  const kind = state.kind === "brightness" ? "" : `, ${KIND_NAMES[state.kind].toLowerCase()}`, synthetic = about.synthetic ? ", synthetic data" : "";
  context.fillText(`SDO/AIA ${about.channel} Å, ${clockOf(about.frames[state.index].time)} UTC${kind}${synthetic}`, 8, 17, width - 16);
  page.toBlob((content) => saveAs(fileName(stamp(), "png"), content), "image/png");
}

const csv = (remarks, rows) => new Blob([[...remarks.map((text) => `# ${text}`), ...rows.map((row) => row.join(","))].join("\n") + "\n"], { type: "text/csv" });
const remarks = (what) => [`${about.name}${about.synthetic ? " (synthetic data, not an observation of the Sun)" : ""}`, what, "Times are UTC, the middle of the exposure."];
const pointWords = ({ tool, points }) => {
  const at = first.place(state.index);
  return `${tool} at x,y (arcsec) ${points.map(([x, y]) => `${(at.x + x).toFixed(2)},${(at.y + y).toFixed(2)}`).join(" ")}`;
};

function curveTable() {
  if (state.points) {
    const rows = state.points.map((point, i) => [point.time, about.frames[i].exposure, point.value ?? "", point.pixels, point.saturated]);
    return csv(remarks(`Mean brightness of the ${pointWords(state.shape)}, of values stored in steps of at most half of their noise.`), [["T_OBS", "EXPTIME_s", "mean_DN_per_s", "pixels", "saturated_fraction"], ...rows]);
  }
  const rows = about.curve.map((point) => [point.time, point.mean ?? "", point.error ?? "", point.saturated ?? "", point.missing ?? ""]);
  return csv(remarks("Mean brightness of the region."), [["T_OBS", "mean_DN_per_s", "uncertainty_DN_per_s", "saturated_fraction", "missing_fraction"], ...rows]);
}

function distanceTable() {
  const { columns, length } = state.distance, count = columns[0].length;
  const places = Array.from({ length: count }, (_, k) => (k / (count - 1) * length).toFixed(3));
  const unit = unitOf(state.kind), what = `${KIND_NAMES[state.kind]}${unit ? ` in ${unit}` : ""} along the ${pointWords(state.shape)}, ${state.width} arcsec wide; columns are arcsec from its first point.`;
  return csv(remarks(what), [["T_OBS", ...places], ...columns.map((values, i) => [about.frames[i].time, ...values.map((value) => Number.isNaN(value) ? "" : Number(value.toPrecision(6)))])]);
}
