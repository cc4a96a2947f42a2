// ---- tables and words below the image

const headers = SERVES ? null : inflate($("headers").textContent).then((bytes) => new TextDecoder().decode(bytes).split("\f"));

function cells(row, list) {
  for (const [text, number] of list) {
    const cell = row.insertCell();
    cell.textContent = text;
    if (number) cell.className = "number";
  }
}

function fillTables() {
  about.frames.forEach((frame, index) => {
    const point = about.curve[about.indices[index]], row = $("table").tBodies[0].insertRow();
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = index + 1;
    button.setAttribute("aria-label", `Show frame ${index + 1}`);
    button.onclick = () => { play(false); show(index); };
    row.insertCell().append(button);
    const hex = "0x" + frame.quality.toString(16).padStart(8, "0");
    cells(row, [
      [clockOf(frame.time)], [clockOf(frame.slot)], [frame.exposure.toFixed(4), true],
      [point.mean === null ? "" : grouped(point.mean.toPrecision(MEAN_DIGITS)), true], [(100 * point.saturated).toFixed(3), true],
      [`${hex}: ${frame.words.length ? frame.words.join("; ") : "nominal"}`], [frame.record],
    ]);
    cells($("files").tBodies[0].insertRow(), [[String(index + 1), true], [frame.file], [frame.sha256]]);
  });
  const [rows, columns] = about.shape;
  const some = about.frames.length === about.total ? `All ${about.total} frames are here` : `${about.frames.length} of ${about.total} frames, evenly chosen, are here`;
  const binned = about.factor === 1
    ? `at full resolution (${columns} × ${rows} pixels of ${about.pixel.toFixed(1)}″)`
    : `averaged over ${about.factor} × ${about.factor} pixels (${columns} × ${rows} of ${first.pixel.toFixed(1)}″; saturated if one of them is)`;
  const origin = about.synthetic
    ? "These frames come from a synthetic archive; they are not observations of the Sun."
    : "Frames made from SDO data: courtesy of NASA/SDO and the AIA science team.";
  $("provenance").textContent = `${some}, ${binned}. Values are level-1.5 brightness in DN/s, stored in steps of at most half of a pixel's noise `
    + `(photons and read noise), which makes it 1 % larger. The light curve of the region is of all frames at full precision. `
    + `Grey is missing, ${about.saturated[0] > 200 ? "red" : "cyan"} is saturated. This file is kept below ${about.megabytes} MB. ${origin}`;
}

function markRow() {
  [...$("table").tBodies[0].rows].forEach((row, index) => {
    if (index === state.index) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  });
}
