/** Fields of standard logs, in their order. Earlier versions lack the last ones. */
const STANDARD_FIELDS =
  "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end".split(
    " ",
  );
const STANDARD_FIELDS_MIN = 12;
/** Fields of real-time logs if none was left out, in the order that CloudFront gives them. */
const REAL_TIME_FIELDS =
  "timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers cs-header-names cs-headers-count".split(
    " ",
  );
export const FIELDS_MAX = 100;
/** Names in real-time logs of fields that standard logs have too. */
const STANDARD_NAMES: Readonly<Record<string, string>> = {
  "cs-host": "cs(Host)",
  "cs-referer": "cs(Referer)",
  "cs-user-agent": "cs(User-Agent)",
  "cs-cookie": "cs(Cookie)",
};
/** Names that no other log has. */
const OWN_NAME =
  /^(?:x-edge-|fle-|x-host-header$|time-to-first-byte$|cache-behavior-path-pattern$)/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const EPOCH = /^\d{9,11}(?:\.\d{1,6})?$/;

/** Whether a field with this name is of CloudFront only. */
export const isOwn = (name: string): boolean => OWN_NAME.test(name);

export const standardName = (name: string): string => STANDARD_NAMES[name] ?? name;

/**
 * The names of the fields of a line without a header line, or why they are not known. `configured`: of real-time logs, which
 * have no header lines.
 */
export function unnamedFields(
  fields: readonly string[],
  configured: readonly string[] | undefined,
): readonly string[] | string {
  const [first = ""] = fields;
  if (fields.length < 2) return "its fields are not separated by tabs";
  if (DATE.test(first) && fields.length >= STANDARD_FIELDS_MIN) return STANDARD_FIELDS;
  if (configured && configured.length === fields.length) return configured;
  if (!EPOCH.test(first)) return "it begins neither with a date nor with a time since 1970";
  // CloudFront appended others later, which nothing in the line names.
  return fields.length === REAL_TIME_FIELDS.length
    ? REAL_TIME_FIELDS
    : `set QUARTERDECK_CLOUDFRONT_FIELDS to the names of the ${fields.length} fields of your real-time logs`;
}
