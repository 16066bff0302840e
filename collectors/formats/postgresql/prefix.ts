/** What a `log_line_prefix` may contain, by the names of the fields of the CSV log. */
type Prefix = {
  log_time?: string;
  session_start_time?: string;
  process_id?: string;
  session_line_num?: string;
  user_name?: string;
  database_name?: string;
  application_name?: string;
  remote_host?: string;
  remote_port?: string;
  session_id?: string;
  transaction_id?: string;
  virtual_transaction_id?: string;
  sql_state_code?: string;
  command_tag?: string;
  backend_type?: string;
  query_id?: string;
};

export type Head = {
  prefix: Prefix;
  level: string;
  /** Length of the prefix, the level and the blanks after it, in characters. */
  length: number;
};

/** A level is searched in so many characters. */
export const HEAD_CHARS_MAX = 1024;
/** In the language of `lc_messages`; two blanks follow. */
const LEVEL = /(?<!\p{L})(\p{Lu}{3,20}[1-5]?): {2}/u;
const ENGLISH =
  /^(?:DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE)$/;
/** Words that are none of the known fields: more of them are a text, not a prefix. */
const WORDS_MAX = 4;
/** What PostgreSQL puts before the lines that it sends to syslog: `[5-1] `. A prefix may look the same. */
const SEQUENCE = /^\[\d{1,10}-\d{1,6}\] /;

type Name = keyof Prefix;
const KEYS: ReadonlyMap<string, Name> = new Map([
  ...each("user_name", "user", "usr", "u"),
  ...each("database_name", "db", "database", "dbname", "d"),
  ...each("application_name", "app", "application", "application_name", "a"),
  ...each("remote_host", "client", "host", "remote", "remote_host", "h", "r"),
  ...each("process_id", "pid", "p"),
  ...each("session_id", "session", "session_id", "sess", "sid", "c"),
  ...each("session_line_num", "line", "l"),
  ...each("transaction_id", "xid", "txid", "tx", "trx_id", "x"),
  ...each("virtual_transaction_id", "vxid", "vtxid", "vx", "v"),
  ...each("sql_state_code", "sqlstate", "state", "error_code", "err", "e"),
  ...each("command_tag", "cmd", "command", "tag", "ps", "i"),
  ...each("backend_type", "backend", "backend_type", "b"),
  ...each("query_id", "query_id", "queryid", "qid"),
]);

function each(name: Name, ...keys: string[]): [string, Name][] {
  return keys.map((key) => [key, name]);
}

type Rule = { pattern: RegExp; names: readonly Name[] };
/** The n-th group of a pattern is the n-th of these fields. A rule applies unless its first field is known. */
const rule = (pattern: RegExp, ...names: Name[]): Rule => ({ pattern, names });

const TIME =
  /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: (?:[A-Za-z]{1,5}\b|[+-]\d\d(?::?\d\d)?))?)/y;
const RULES: readonly Rule[] = [
  rule(TIME, "log_time"),
  rule(TIME, "session_start_time"),
  rule(/(\d{10}\.\d{3})(?!\d)/y, "log_time"),
  rule(/([\da-f]{8,16}\.[\da-f]{1,8})(?![\w.])/y, "session_id"),
  rule(/\[(\d{1,10})(?:-(\d{1,18}))?\]/y, "process_id", "session_line_num"),
  rule(/\[(\d{1,18})-\d{1,9}\]/y, "session_line_num"),
  rule(/\[(\d{1,18})\]/y, "session_line_num"),
  rule(/\[?([^\s@,:[\]()]{1,128})\]?@\[?([^\s@,:[\]()]{1,128})\]?/y, "user_name", "database_name"),
  rule(
    /((?:[\da-fA-F]|::)[\da-fA-F:.]{1,44}|\w[\w.-]{0,255})\((\d{1,5})\)/y,
    "remote_host",
    "remote_port",
  ),
  rule(
    /(\d{1,10}\/\d{1,20})(?:(?:\] ?\[|[ ,:/|-])(\d{1,20})(?![\w.]))?/y,
    "virtual_transaction_id",
    "transaction_id",
  ),
  rule(
    /(postmaster|startup|checkpointer|background writer|walwriter|walsender|walreceiver|archiver|logger|client backend|standalone backend|not initialized|autovacuum (?:launcher|worker)|logical replication [a-z]{1,12}(?: worker)?|parallel worker|slotsync worker|io worker|background worker)(?!\w)/y,
    "backend_type",
  ),
  rule(/((?=[\dA-Z]{0,4}\d)(?!\d{5}(?!\w))[\dA-Z]{5}|00000)(?!\w)/y, "sql_state_code"),
  rule(/(\d{1,10})(?![\w.])/y, "process_id"),
  rule(/(\d{1,18})(?![\w.])/y, "session_line_num"),
  rule(/(\d{1,3}(?:\.\d{1,3}){3}|\[local\])(?![\w.])/y, "remote_host"),
];
const KEYED =
  /([A-Za-z_]{1,20})=((?:[^,;|()\]]|\(\d{1,5}\)){0,255}?):?(?=[,;|\])]|\s+[A-Za-z_]{1,20}=|\s*$)/y;
/** `%r` has a port. */
const PEER = /^([^(]*)(?:\((\d{1,5})\))?$/;
const WORD = /[\p{L}_][\p{L}\p{N}_.$-]*/uy;
const BREAKS = /[^\p{L}\p{N}_[]+|\[/uy;

/**
 * The prefix and the level of a line of the error log; undefined if it has none. `log_line_prefix` is not known: fields are
 * recognised by their form or by a name before them (`user=`), whatever separates them.
 */
export function headOf(text: string): Head | undefined {
  const found = LEVEL.exec(text.slice(0, HEAD_CHARS_MAX));
  if (!found) return undefined;
  const [all, level = ""] = found;
  // uvicorn's lines begin with `INFO:` and more spaces.
  if (found.index === 0 && text[all.length] === " ") return undefined;
  const written = text.slice(0, found.index).trimEnd();
  const numbered = SEQUENCE.test(written) ? prefixOf(written.replace(SEQUENCE, "")) : undefined;
  const prefix = numbered?.process_id === undefined ? prefixOf(written) : numbered;
  if (!prefix) return undefined;
  const isDated = prefix.log_time !== undefined && prefix.process_id !== undefined;
  if (!isDated && !ENGLISH.test(level)) return undefined;
  const isKnown = Object.keys(prefix).length > 0 || found.index === 0;
  return isKnown ? { prefix, level, length: found.index + all.length } : undefined;
}

/** Undefined if the text is not a prefix. */
function prefixOf(text: string): Prefix | undefined {
  const prefix: Prefix = {};
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    const end = readField(text, at, prefix) ?? readWord(text, at, words);
    if (end === undefined || words.length > WORDS_MAX) return undefined;
    at = end;
  }
  putWords(words, prefix);
  return prefix;
}

function readField(text: string, at: number, prefix: Prefix): number | undefined {
  KEYED.lastIndex = at;
  const keyed = KEYED.exec(text);
  if (keyed) {
    const name = KEYS.get((keyed[1] ?? "").toLowerCase());
    if (name !== undefined) putKeyed(prefix, name, keyed[2] ?? "");
    return KEYED.lastIndex;
  }
  for (const { pattern, names } of RULES) {
    const [first] = names;
    if (first === undefined || prefix[first] !== undefined) continue;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) continue;
    for (const [index, name] of names.entries()) {
      const value = found[index + 1];
      if (value !== undefined) prefix[name] ??= value;
    }
    return pattern.lastIndex;
  }
  return undefined;
}

function putKeyed(prefix: Prefix, name: Name, value: string): void {
  const peer = name === "remote_host" ? PEER.exec(value) : null;
  if (peer?.[2] !== undefined) prefix.remote_port ??= peer[2];
  const text = peer?.[1] ?? value;
  if (text !== "") prefix[name] ??= text;
}

function readWord(text: string, at: number, words: string[]): number | undefined {
  WORD.lastIndex = at;
  const word = WORD.exec(text);
  if (word) {
    words.push(word[0]);
    return WORD.lastIndex;
  }
  BREAKS.lastIndex = at;
  return BREAKS.test(text) ? BREAKS.lastIndex : at + 1;
}

/** `%u %d` are two words. */
function putWords([user, database, ...others]: readonly string[], prefix: Prefix): void {
  if (user === undefined || database === undefined || others.length > 0) return;
  if (prefix.user_name !== undefined || prefix.database_name !== undefined) return;
  prefix.user_name = user;
  prefix.database_name = database;
}
