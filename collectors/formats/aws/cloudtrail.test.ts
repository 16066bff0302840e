import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";

import { parseLine, parseLines } from "../parse-lines.ts";
import { javaText } from "./java-text.ts";

const RECORD = {
  eventVersion: "1.09",
  userIdentity: {
    type: "AssumedRole",
    principalId: "AROA:ann",
    arn: "arn:aws:sts::111122223333:assumed-role/ops/ann",
    accountId: "111122223333",
    sessionContext: {
      sessionIssuer: { type: "Role", userName: "ops" },
      attributes: { creationDate: "2026-03-14T09:00:00Z", mfaAuthenticated: "true" },
    },
  },
  eventTime: "2026-03-14T10:11:12Z",
  eventSource: "iam.amazonaws.com",
  eventName: "UpdateUser",
  awsRegion: "eu-central-1",
  sourceIPAddress: "203.0.113.9",
  userAgent: "aws-cli/2.0",
  requestParameters: { userName: "bob", newUserName: "rob", tags: [{ key: "a" }] },
  responseElements: null,
  eventID: "3fcf",
  readOnly: false,
  tlsDetails: { tlsVersion: "TLSv1.3", cipherSuite: "TLS_AES_128_GCM_SHA256" },
};

describe("a record of CloudTrail", () => {
  test("has who did what, to whom and from where", () => {
    expect(parseLine("aws.cloudtrail", JSON.stringify(RECORD))).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.000Z",
      "cloud.account.id": "111122223333",
      "cloud.region": "eu-central-1",
      "event.action": "UpdateUser",
      "event.category": ["iam"],
      "event.id": "3fcf",
      "event.outcome": "success",
      "event.type": ["user", "change"],
      "related.ip": ["203.0.113.9"],
      "related.user": ["bob", "rob"],
      "source.ip": "203.0.113.9",
      "tls.version": "1.3",
      "user.changes.name": "rob",
      "user.name": "ops",
      "user.target.name": "bob",
      "aws.cloudtrail.read_only": false,
      "aws.cloudtrail.flattened.request_parameters.newUserName": "rob",
      "aws.cloudtrail.flattened.request_parameters.tags": [{ key: "a" }],
      "aws.cloudtrail.user_identity.session_context.creation_date": "2026-03-14T09:00:00.000Z",
    });
  });

  test("has failed if it has an error; a sign-in to the console has its own outcome", () => {
    const failed = { ...RECORD, errorCode: "AccessDenied" };
    expect(parseLine("aws.cloudtrail", JSON.stringify(failed))["event.outcome"]).toBe("failure");
    const signIn = {
      ...RECORD,
      eventName: "ConsoleLogin",
      responseElements: { ConsoleLogin: "Failure" },
      additionalEventData: { MFAUsed: "Yes", MobileVersion: "No" },
    };
    expect(parseLine("aws.cloudtrail", JSON.stringify(signIn))).toMatchObject({
      "event.category": ["authentication"],
      "event.outcome": "failure",
      "aws.cloudtrail.console_login.additional_eventdata.mfa_used": true,
      "aws.cloudtrail.console_login.additional_eventdata.mobile_version": false,
    });
  });

  test("of a service has a name in place of an address", () => {
    const record = { ...RECORD, sourceIPAddress: "ec2.amazonaws.com" };
    const document = parseLine("aws.cloudtrail", JSON.stringify(record));
    expect(document["source.address"]).toBe("ec2.amazonaws.com");
    expect(document).not.toHaveProperty("source.ip");
  });

  test.each([
    [{ eventName: "A", eventTime: "2026-03-14T10:11:12Z" }, /no eventName, or no eventSource/],
    [{ ...RECORD, eventTime: "yesterday" }, /time cannot be read: yesterday/],
  ])("is quarantined if it lacks what every record has", (record, reason) => {
    const document = parseLine("aws.cloudtrail", JSON.stringify(record));
    expect(document["error.message"]).toMatch(reason);
  });
});

test("each record of a file is an event with its own bytes, and a broken one costs no other", () => {
  const records = [JSON.stringify(RECORD), '{"eventName":1}', `${JSON.stringify(RECORD)} `];
  const documents = parseLines("aws.cloudtrail", `{"Records":[${records.join(",")}]}`);
  expect(documents.map((it) => it["event.original"])).toEqual(records.map((it) => it.trim()));
  expect(documents.map((it) => it["event.kind"])).toEqual(["event", "pipeline_error", "event"]);
});

test("a digest file lists the files of an hour", () => {
  const digest = {
    awsAccountId: "111122223333",
    digestStartTime: "2026-03-14T09:11:12Z",
    digestEndTime: "2026-03-14T10:11:12Z",
    digestS3Object: "AWSLogs/digest.json.gz",
    logFiles: [{ s3Object: "AWSLogs/a.json.gz" }],
  };
  expect(parseLine("aws.cloudtrail", JSON.stringify(digest))).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "event.type": ["info"],
    "file.path": "AWSLogs/digest.json.gz",
    "aws.cloudtrail.digest.log_files": [{ s3Object: "AWSLogs/a.json.gz" }],
    "aws.cloudtrail.digest.start_time": "2026-03-14T09:11:12.000Z",
  });
});

test.each([JSON.stringify(RECORD), `{"Records":[${JSON.stringify(RECORD)}]}`])(
  "it is detected by its content, in a file and alone",
  (line) => {
    expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("aws.cloudtrail");
  },
);

test("objects are written as Java does, in the order of its hash maps", () => {
  const value = { userName: "bob", sSHPublicKeyId: "K", tags: [{ a: null }, 7] };
  expect(javaText(value)).toBe("{sSHPublicKeyId=K, userName=bob, tags=[{a=null}, 7]}");
});
