"""How a report page looks and what its one script does: sort tables, and filter the one of labels."""

STYLE = """
:root { color-scheme: light dark; --text: #1c2126; --soft: #59636e; --page: #fff; --card: #f4f6f8; --line: #d5dae0;
  --warn: #7a3e00; --warn-page: #fff3e0; --accent: #2450b2; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --soft: #a3adb8; --page: #14171a; --card: #1e2328;
  --line: #39414a; --warn: #ffd8a8; --warn-page: #3a2a12; --accent: #9dbcff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 74rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0.6rem 0 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 0.6rem; border-bottom: 1px solid var(--line); padding-bottom: 0.2rem; }
p { margin: 0.5rem 0; max-width: 60rem; }
.soft, figcaption { color: var(--soft); font-size: 0.9rem; }
.note { background: var(--warn-page); color: var(--warn); padding: 0.6rem 0.9rem; border-radius: 0.4rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0.8rem; margin: 1rem 0; }
.cards div { background: var(--card); border-radius: 0.5rem; padding: 0.7rem 0.9rem; }
.cards b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.cards span { color: var(--soft); font-size: 0.85rem; }
.wide { overflow-x: auto; margin: 0.4rem 0 1.2rem; }
.long { max-height: 42rem; overflow: auto; border: 1px solid var(--line); border-radius: 0.4rem; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.28rem 0.55rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { background: var(--card); position: sticky; top: 0; }
td { white-space: nowrap; }
td:first-child:not(.n) { white-space: normal; min-width: 7.5rem; }
.facts td { white-space: normal; overflow-wrap: anywhere; }
.n { text-align: right; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort] button::after { content: " \\2193"; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
input { font: inherit; padding: 0.35rem 0.6rem; width: min(24rem, 100%); border: 1px solid var(--line);
  border-radius: 0.4rem; background: var(--page); color: var(--text); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.2rem; }
figure { margin: 0; }
img { max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 0.4rem;
  padding: 0.3rem; }
code { overflow-wrap: anywhere; }
@media print { .long { max-height: none; overflow: visible; } input { display: none; } }
"""

SCRIPT = """
for (const table of document.querySelectorAll("table.sort")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") !== "descending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const numbers = head.classList.contains("n");
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const x = value(a), y = value(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numbers ? x - y : x.localeCompare(y);
        return falling ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
const search = document.getElementById("search");
if (search) {
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const row of document.getElementById("labels").tBodies[0].rows)
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
"""
