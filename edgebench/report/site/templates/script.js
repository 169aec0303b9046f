"use strict";

const FORMULA = /^[=+\-@\t\r]/;
const ROUND = 2;

/** What a field sorts by: its number, else its text; null where it holds nothing. */
function valueOf(cell) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  const text = cell.textContent.trim();
  return text === "" || text === "-" ? null : text;
}

/** Empty fields come last, whichever way the others are sorted. */
function compare(one, two, sign) {
  if (one === null || two === null) return (one === null) - (two === null);
  if (typeof one === "number" && typeof two === "number") return sign * (one - two);
  return sign * String(one).localeCompare(String(two), "en", { numeric: true });
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const again = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", again ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
  rows.sort((one, two) => compare(one[0], two[0], again ? -1 : 1));
  body.append(...rows.map((each) => each[1]));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(table, column));
    head.replaceChildren(button);
  });
}

function makeFilterable(box, table) {
  const search = box.querySelector("input");
  if (!search) return;
  const selects = [...box.querySelectorAll("select")];
  const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
  const output = box.querySelector("output");
  const first = (cell) => (cell.firstChild ? cell.firstChild.textContent.trim() : "");
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((each) => each.value).map((each) => [Number(each.dataset.column), each.value.trim()]);
    let shown = 0;
    for (const [row, text] of rows) {
      const fits = words.every((word) => text.includes(word)) &&
        wanted.every(([column, value]) => first(row.cells[column]) === value);
      row.hidden = !fits;
      shown += fits;
    }
    output.textContent = `${shown} of ${rows.length}`;
  }
  search.addEventListener("input", filter);
  selects.forEach((each) => each.addEventListener("change", filter));
  filter();
}

function save(name, url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

function saveBlob(name, blob) {
  const url = URL.createObjectURL(blob);
  save(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Text that no spreadsheet runs as a formula, quoted where CSV asks for it. */
function quoted(text) {
  const inert = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function field(cell) {
  if (cell.dataset.v !== undefined) return cell.dataset.v;
  return quoted(cell.firstChild ? cell.firstChild.textContent.trim() : "");
}

function note(cell) {
  const small = cell.querySelector("small");
  return quoted(small ? small.textContent.trim() : "");
}

/** What is shown, numbers in full; the small print of a column in a column after it. */
function saveCsv(name, table) {
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const noted = heads.map((_, column) => rows.some((row) => row.cells[column].querySelector("small")));
  const both = (one, two) => heads.flatMap((_, column) => (noted[column] ? [one(column), two(column)] : [one(column)]));
  const lines = [both((column) => quoted(heads[column]), (column) => quoted(`${heads[column]}: note`)).join(",")];
  for (const { cells } of rows) lines.push(both((column) => field(cells[column]), (column) => note(cells[column])).join(","));
  saveBlob(`${name}.csv`, new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
}

function savePng(name, image) {
  const canvas = document.createElement("canvas");
  canvas.width = ROUND * image.width;
  canvas.height = ROUND * image.height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => saveBlob(`${name}.png`, blob), "image/png");
}

function onSave(box, name) {
  box.querySelectorAll("[data-save]").forEach((button) => button.addEventListener("click", () => {
    const kind = button.dataset.save;
    if (kind === "csv") saveCsv(name, box.querySelector("table"));
    else if (kind === "svg") save(`${name}.svg`, box.querySelector("img").src);
    else savePng(name, box.querySelector("img"));
  }));
}

document.querySelectorAll(".tools").forEach((each) => { each.hidden = false; });
document.querySelectorAll("table").forEach(makeSortable);
document.querySelectorAll(".sortable").forEach((box) => {
  makeFilterable(box, box.querySelector("table"));
  onSave(box, box.dataset.name);
});
document.querySelectorAll(".plot").forEach((box) => onSave(box, box.id));
