/** What a message says about a statement. */
export type Statement = {
  durationMs?: number;
  /** `statement`, or the step of the extended protocol: `parse`, `bind`, `execute`; `plan` of auto_explain. */
  step?: string;
  /** The name of the prepared statement, `<unnamed>` if it has none. */
  name?: string;
  query?: string;
  plan?: string;
};

const DURATION = /^duration: (\d{1,12}(?:\.\d{1,6})?) ms(?: {2}|$)/;
const STEP =
  /^(execute fetch from|fastpath function call|parse|bind|execute|statement)(?: ([^\n]{1,300}?))?: /;
const PLAN = /^plan:\r?\n\t?/;
const QUERY_TEXT = /^Query Text: /;
/** The first line of a plan as text. */
const PLAN_NODE =
  /\n\t?(?=[A-Z][\w ]{2,120}(?: on [^\n]{1,300}| using [^\n]{1,300})? {2}\((?:cost|actual)[ =])/;
/** The plan is searched in so many characters, after the statement. */
const PLAN_CHARS_MAX = 65_536;
const JSON_QUERY = /"Query Text": ("(?:[^"\\]|\\.)*")/;

/** What a message of `log_duration`, `log_min_duration_statement`, `log_statement` or auto_explain says. */
export function statementIn(message: string): Statement {
  const duration = DURATION.exec(message);
  const timed = duration ? { durationMs: Number(duration[1]) } : {};
  const rest = duration ? message.slice(duration[0].length) : message;
  const plan = duration && PLAN.exec(rest);
  if (plan) return { ...timed, step: "plan", ...planOf(rest.slice(plan[0].length)) };
  const step = STEP.exec(rest);
  if (!step) return timed;
  const [all, name = "", statementName] = step;
  const named = statementName === undefined ? {} : { name: statementName };
  return { ...timed, step: name, ...named, query: rest.slice(all.length) };
}

function planOf(text: string): Pick<Statement, "query" | "plan"> {
  if (!QUERY_TEXT.test(text)) {
    const found = JSON_QUERY.exec(text);
    return found ? { query: textOfJson(found[1] ?? ""), plan: text } : { plan: text };
  }
  const query = text.replace(QUERY_TEXT, "");
  const node = PLAN_NODE.exec(query.slice(0, PLAN_CHARS_MAX));
  if (!node) return { query };
  return { query: query.slice(0, node.index), plan: query.slice(node.index + node[0].length) };
}

function textOfJson(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1); // Characters that JSON does not allow, such as line ends.
  }
}
