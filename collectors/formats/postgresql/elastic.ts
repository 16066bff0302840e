/** What Elastic's module does not have. */
const OWN_FIELDS = [
  "source.address",
  "source.ip",
  "source.port",
  "related.ip",
  "db.query.text",
  "db.query.fingerprint",
  "postgresql.log.plan",
  "postgresql.log.location",
  "postgresql.log.leader_pid",
  "postgresql.log.query_id",
];
const ERROR_STATE = /^(?!0[012])/;
/** Of a step and of a prepared statement, of which Elastic's module reads single words. */
const WORD = /^(?:\w+|<unnamed>)$/;
const PREFIX = "postgresql.log.";

/** Converts a document to that of Elastic's module, which reads the default prefix, that of Debian, and csvlog. */
export function elasticDocument(document: Record<string, unknown>): void {
  const state = document[`${PREFIX}sql_state_code`];
  const isError = typeof state === "string" && ERROR_STATE.test(state);
  document["event.type"] = [isError ? "error" : "info"];
  const isTable = document[`${PREFIX}session_start_time`] !== undefined;
  if (isTable) toTable(document);
  else toText(document);
  for (const name of OWN_FIELDS) delete document[name];
}

/** Of csvlog, the message is the statement, and the query is that of an error. */
function toTable(document: Record<string, unknown>): void {
  const { [`${PREFIX}query_step`]: step, [`${PREFIX}query`]: query } = document;
  const isTimed = document["event.duration"] !== undefined;
  delete document[`${PREFIX}session_line_number`];
  if (step === undefined) {
    if (isTimed) delete document["message"];
    return;
  }
  const isNamed = document[`${PREFIX}query_name`] !== undefined;
  delete document[`${PREFIX}query`];
  if (step === "plan" || (isNamed && !isTimed)) {
    delete document[`${PREFIX}query_step`];
    delete document[`${PREFIX}query_name`];
  } else document["message"] = query;
}

/**
 * Of other logs, texts have the tabs of their lines, the message of a statement is the whole event, and a statement
 * without a duration has no step.
 */
function toText(document: Record<string, unknown>): void {
  const { [`${PREFIX}query_step`]: step, [`${PREFIX}query_name`]: name } = document;
  for (const field of ["message", `${PREFIX}query`]) {
    const text = document[field];
    if (typeof text === "string") document[field] = text.replaceAll("\n", "\n\t");
  }
  const isTimed = document["event.duration"] !== undefined;
  if (name === "<unnamed>") delete document[`${PREFIX}query_name`];
  if (isTimed || step === "statement") document["message"] = document["event.original"];
  const isWord = [step, name ?? "unnamed"].every((it) => typeof it === "string" && WORD.test(it));
  if (isTimed && step !== "plan" && isWord) return;
  delete document[`${PREFIX}query_step`];
  if (step !== "statement") {
    delete document[`${PREFIX}query`];
    delete document[`${PREFIX}query_name`];
  }
}
