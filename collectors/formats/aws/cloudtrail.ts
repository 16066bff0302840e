import { isIP } from "node:net";

import type { Batch } from "#collectors/batch.ts";
import type { Format, FormatContext, LineScanner } from "#collectors/format.ts";

import { openJsonFields } from "../json-fields.ts";
import { parseJsonLine } from "../json-line.ts";
import { jsonTime } from "../json-time.ts";
import type { RowWriter } from "../text-line.ts";
import { putTlsVersion } from "../tls-version.ts";
import { MEANINGS } from "./cloudtrail-actions.ts";
import { putDigest } from "./cloudtrail-digest.ts";
import { javaText } from "./java-text.ts";

const VENDOR = "aws.cloudtrail";
/** Names of CloudTrail and of Elastic's fields for texts and switches, which are stored as they are. */
const NAMES = {
  apiVersion: "api_version",
  errorCode: "error_code",
  errorMessage: "error_message",
  eventCategory: "event_category",
  eventType: "event_type",
  eventVersion: "event_version",
  managementEvent: "management_event",
  readOnly: "read_only",
  recipientAccountId: "recipient_account_id",
  requestID: "request_id",
  resources: "resources",
  sharedEventID: "shared_event_id",
  sharedEventId: "shared_event_id",
  vpcEndpointId: "vpc_endpoint_id",
  "userIdentity.type": "user_identity.type",
  "userIdentity.arn": "user_identity.arn",
  "userIdentity.accessKeyId": "user_identity.access_key_id",
  "userIdentity.invokedBy": "user_identity.invoked_by",
  "userIdentity.sessionContext.attributes.mfaAuthenticated":
    "user_identity.session_context.mfa_authenticated",
  "userIdentity.sessionContext.sessionIssuer.type":
    "user_identity.session_context.session_issuer.type",
  "userIdentity.sessionContext.sessionIssuer.principalId":
    "user_identity.session_context.session_issuer.principal_id",
  "userIdentity.sessionContext.sessionIssuer.arn":
    "user_identity.session_context.session_issuer.arn",
  "userIdentity.sessionContext.sessionIssuer.accountId":
    "user_identity.session_context.session_issuer.account_id",
};
const CREATION = "userIdentity.sessionContext.attributes.creationDate";
/** Objects whose members are stored one by one, and, in Elastic's documents, also as one text. */
const OBJECTS: readonly (readonly [string, string])[] = [
  ["requestParameters", "request_parameters"],
  ["responseElements", "response_elements"],
  ["additionalEventData", "additional_eventdata"],
  ["serviceEventDetails", "service_event_details"],
  ["insightDetails", "insight_details"],
];
const SIGN_IN: readonly (readonly [string, string])[] = [
  ["MobileVersion", "mobile_version"],
  ["MFAUsed", "mfa_used"],
];

type Fields = ReadonlyMap<string, unknown>;

/** Records of CloudTrail, one per line; lines with several (`{"Records":[…]}`) are split before. Also its digest files. */
export const cloudTrail: Format = {
  dataset: VENDOR,
  title: "AWS CloudTrail",
  requests: "none",
  traits: {
    "event.kind": "event",
    "event.category": undefined,
    "event.type": "info",
    levelDecidesType: false,
    namesClients: false,
  },
  detection: { path: /cloudtrail/i, evidence: () => 4 },
  related: {
    "related.ip": ["source.ip"],
    "related.user": [`${VENDOR}.user_identity.user_name`, "user.target.name", "user.changes.name"],
  },
  open: openCloudTrail,
  toElastic(document) {
    delete document["related.ip"];
    delete document[`${VENDOR}.user_identity.user_name`];
    if (document[`${VENDOR}.digest.previous_signature`] !== undefined) {
      document["file.hash.sha256"] = document[`${VENDOR}.digest.previous_signature`];
      delete document[`${VENDOR}.digest.previous_signature`];
    }
    addTexts(document);
  },
};

function openCloudTrail(batch: Batch, context: FormatContext): LineScanner {
  return openJsonFields(batch, context, (fields, row) =>
    fields.has("digestS3Object") ? putDigest(fields, row) : putRecord(fields, row),
  );
}

function putRecord(fields: Fields, row: RowWriter): string | undefined {
  const text = (name: string): string | undefined => textIn(fields, name);
  const action = text("eventName");
  if (action === undefined || text("eventSource") === undefined)
    return "not a record of CloudTrail: it has no eventName, or no eventSource";
  const time = text("eventTime") ?? "";
  const refused = row.time(jsonTime(time, row.context.zone), time);
  if (refused !== undefined) return refused;
  row.extra("cloud.account.id", text("userIdentity.accountId") ?? text("recipientAccountId"));
  row.extra("cloud.region", text("awsRegion"));
  row.extra("event.id", text("eventID"));
  row.extra("event.provider", text("eventSource"));
  row.text("event.action", action);
  const address = text("sourceIPAddress");
  row.text("source.address", address);
  if (address !== undefined && isIP(address) !== 0) row.text("source.ip", address);
  row.text("user_agent.original", text("userAgent"));
  row.text("tls.cipher", text("tlsDetails.cipherSuite"));
  putTlsVersion(row, text("tlsDetails.tlsVersion"));
  putUsers(text, row);
  putMeaning(text, row);
  putVendor(fields, row);
  return undefined;
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

type Text = (name: string) => string | undefined;

/** An assumed role has the name of its issuer. */
function putUsers(text: Text, row: RowWriter): void {
  const user = text("userIdentity.userName");
  row.text("user.name", text("userIdentity.sessionContext.sessionIssuer.userName") ?? user);
  row.text("user.id", text("userIdentity.principalId"));
  row.extra(`${VENDOR}.user_identity.user_name`, user);
  row.extra("user.target.name", text("requestParameters.userName"));
  row.extra("user.changes.name", text("requestParameters.newUserName"));
  row.extra("group.name", text("requestParameters.groupName"));
}

function putMeaning(text: Text, row: RowWriter): void {
  const meaning = MEANINGS.get(text("eventName") ?? "");
  row.text("event.category", meaning?.category);
  row.list("event.type", meaning?.types ?? []);
  const hasFailed = text("errorCode") !== undefined || text("errorMessage") !== undefined;
  const outcome = text("responseElements.ConsoleLogin")?.toLowerCase();
  row.text("event.outcome", outcome ?? (hasFailed ? "failure" : "success"));
}

function putVendor(fields: Fields, row: RowWriter): void {
  for (const [name, field] of Object.entries(NAMES))
    row.extra(`${VENDOR}.${field}`, fields.get(name));
  const created = jsonTime(textIn(fields, CREATION), row.context.zone);
  if (!Number.isNaN(created) && Math.abs(created) < 8.64e15)
    row.extra(
      `${VENDOR}.user_identity.session_context.creation_date`,
      new Date(created).toISOString(),
    );
  for (const [name, value] of fields) {
    const dot = name.indexOf(".");
    const object = OBJECTS.find(([key]) => key === name.slice(0, dot));
    if (object) row.extra(`${VENDOR}.flattened.${object[1]}${name.slice(dot)}`, value);
  }
  if (textIn(fields, "eventName") === "ConsoleLogin") putSignIn(fields, row);
}

function putSignIn(fields: Fields, row: RowWriter): void {
  const prefix = `${VENDOR}.console_login.additional_eventdata`;
  row.extra(`${prefix}.login_to`, textIn(fields, "additionalEventData.LoginTo"));
  for (const [name, field] of SIGN_IN) {
    const value = textIn(fields, `additionalEventData.${name}`);
    if (value !== undefined) row.extra(`${prefix}.${field}`, value !== "No");
  }
}

/** Elastic's module also has the objects as text. */
function addTexts(document: Record<string, unknown>): void {
  const original = document["event.original"];
  const bytes = Buffer.from(typeof original === "string" ? original : "");
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return;
  for (const [name, field] of OBJECTS) {
    const value = parsed.object[name];
    if (value !== undefined && value !== null) document[`${VENDOR}.${field}`] = javaText(value);
  }
}
