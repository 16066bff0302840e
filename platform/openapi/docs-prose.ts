import { html } from "hono/html";

type Html = ReturnType<typeof html>;

/** Renders the subset of Markdown used in descriptions: paragraphs, lists, tables, and code between backticks. */
export const prose = (text: string): Html[] =>
  text
    .split(/\n{2,}/)
    .filter((it) => it.trim() !== "")
    .map((block) => blockOf(block.trim().split("\n")));

function blockOf(lines: readonly string[]): Html {
  if (lines.every((it) => it.startsWith("|"))) return tableOf(lines.map(cellsOf));
  if (lines.every((it) => /^[-*] /.test(it))) {
    return html`<ul>
      ${lines.map((it) => html`<li>${inline(it.slice(2))}</li>`)}
    </ul>`;
  }
  return html`<p>${inline(lines.join(" "))}</p>`;
}

const cellsOf = (line: string): string[] =>
  line
    .replaceAll(/^\||\|$/g, "")
    .split("|")
    .map((it) => it.trim());

function tableOf(rows: readonly string[][]): Html {
  const [head = [], rule = [], ...body] = rows;
  const isRule = rule.every((it) => /^:?-+:?$/.test(it));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${head.join(", ")}">
    <table>
      <thead>
        <tr>
          ${head.map((it) => html`<th scope="col">${inline(it)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${(isRule ? body : [rule, ...body]).map(
          (cells) =>
            html`<tr>
              ${cells.map((it) => html`<td>${inline(it)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Text with code between backticks. */
export const inline = (text: string): (Html | string)[] =>
  text.split(/(`[^`]+`)/).map((part) => {
    const isCode = part.length > 2 && part.startsWith("`") && part.endsWith("`");
    return isCode ? html`<code>${part.slice(1, -1)}</code>` : part;
  });
