//! Tables for notebooks.

export const MEMBER_COLUMNS = ["name", "state", "pid", "restarts", "machine", "address", "program"];

/** Writes rows as an HTML table. */
export function table(columns, rows, caption) {
  const head = columns.map((column) => `<th>${escape(column)}</th>`).join("");
  const body = rows.map((row) => `<tr>${columns.map((column) => `<td>${escape(row[column] ?? "")}</td>`).join("")}</tr>`).join("");
  return `<table><caption>${escape(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function escape(value) {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
