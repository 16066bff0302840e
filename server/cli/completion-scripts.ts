import { printable } from "#platform/terminal.ts";

import type { Completion } from "./completion-words.ts";
import type { ShellLine } from "./shell-line.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell reads at its start. Each asks `quarterdeck completion SHELL --line` about the line up to the caret. */
export const SCRIPTS: Record<Shell, string> = {
  bash: `_quarterdeck() {
  local found
  COMPREPLY=()
  while IFS= read -r found; do
    [ -n "$found" ] && COMPREPLY+=("$found")
  done < <("$1" completion bash --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o default -o nospace -F _quarterdeck quarterdeck
`,
  zsh: `#compdef quarterdeck
_quarterdeck() {
  local found
  local -a parts parts_shown wholes wholes_shown
  for found in "\${(@f)$(quarterdeck completion zsh --line "$LBUFFER" 2>/dev/null)}"; do
    [[ -z "$found" ]] && continue
    if [[ "$found" == whole$'\\t'* ]]; then
      wholes+=("\${\${(@ps:\\t:)found}[2]}")
      wholes_shown+=("\${\${found#*$'\\t'}//$'\\t'/  }")
    else
      parts+=("\${\${(@ps:\\t:)found}[2]}")
      parts_shown+=("\${\${found#*$'\\t'}//$'\\t'/  }")
    fi
  done
  (( $#wholes )) && compadd -d wholes_shown -a wholes
  (( $#parts )) && compadd -S '' -d parts_shown -a parts
  (( $#wholes + $#parts )) || _default
}
compdef _quarterdeck quarterdeck
`,
  fish: `complete --command quarterdeck --arguments '(quarterdeck completion fish --line (commandline --current-process --cut-at-cursor | string collect) 2>/dev/null)'
`,
};

/** Characters at which bash ends the text that it replaces, outside of quotes. */
const BASH_BREAKS = /^.*[:=<>(@]/s;

/** One line per completion, in the form that the script of the shell reads. */
export function shellText(shell: Shell, found: readonly Completion[], line: ShellLine): string {
  const written = line.words.at(-1) ?? "";
  // A value of an event may have control characters, which a terminal would obey.
  const fitting = found.filter(({ text }) => text.startsWith(written) && printable(text) === text);
  const lines = fitting.flatMap((it): string[] => {
    if (shell === "fish") return [it.detail === "" ? it.text : `${it.text}\t${it.detail}`];
    if (shell === "zsh")
      return [[it.isWhole ? "whole" : "part", it.text, it.detail].join("\t").trimEnd()];
    return bashText(it, line);
  });
  return lines.map((it) => `${it}\n`).join("");
}

/** The text for the place of what bash replaces: the word after an open quote, or its end after a colon. */
function bashText({ text, isWhole }: Completion, { raw, quote }: ShellLine): string[] {
  if (quote === "'") return text.includes("'") ? [] : [text];
  if (quote === '"') return [text.replaceAll(/["\\$`]/g, "\\$&")];
  const plain = text.replaceAll(/[^\w@%+=:,./-]/g, "\\$&");
  if (!plain.startsWith(raw)) return [];
  const kept = BASH_BREAKS.exec(raw)?.[0].length ?? 0;
  return [plain.slice(kept) + (isWhole ? " " : "")];
}
