// report: tables sort by a click on a head, the page turns dark or light, all is open when it is printed.
"use strict";

function keyOf(row, column) {
	const cell = row.cells[column];
	return cell.dataset.sort ?? cell.textContent;
}

// What has no value goes last either way; equal rows keep their order.
function sortBy(table, column, down) {
	const rows = [...table.tBodies[0].rows];
	const numbers = rows.some((row) => row.cells[column].dataset.sort !== undefined);
	const compare = (a, b) => {
		const x = keyOf(a, column), y = keyOf(b, column);
		if (x === "" || y === "") return (x === "") - (y === "");
		const order = numbers ? x - y : x.localeCompare(y, undefined, { numeric: true });
		return down ? -order : order;
	};
	table.tBodies[0].append(...rows.sort(compare));
	for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
	table.tHead.rows[0].cells[column].setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable"))
	[...table.tHead.rows[0].cells].forEach((head, column) => {
		const button = document.createElement("button");
		button.type = "button";
		button.append(...head.childNodes);
		// numbers are sorted from the greatest first
		button.onclick = () => sortBy(table, column, head.ariaSort ? head.ariaSort === "ascending" : head.classList.contains("n"));
		head.append(button);
	});

const dark = document.getElementById("dark"), toggle = document.createElement("button");
let isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const show = () => { toggle.textContent = isDark ? "☀ Light" : "☾ Dark"; };
toggle.type = "button";
toggle.className = "toggle";
toggle.onclick = () => {
	isDark = !isDark;
	dark.media = isDark ? "screen" : "not all";
	show();
};
document.querySelector("header").append(toggle);
show();

addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
