import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";

import { COMBINED, parseLine, parseLines } from "../parse-lines.ts";

describe("lines of a syslog daemon", () => {
  test.each([
    ["Mar 14 11:11:12 web1 kernel: oom: killed 12", "web1", "kernel", undefined],
    ["Mar 14 11:11:12 web1 sshd(pam_unix)[12]: oom: killed 12", "web1", "sshd(pam_unix)", 12],
    ["2026-03-14T10:11:12.5Z web1 postfix/smtpd[12]: oom: killed 12", "web1", "postfix/smtpd", 12],
    ["Mar 14 11:11:12 cron[12]: oom: killed 12", undefined, "cron", 12],
    ["Mar 14 11:11:12 mac Google Chrome[12]: oom: killed 12", "mac", "Google Chrome", 12],
    ["<13>Mar 14 11:11:12 web1 oom: killed 12", "web1", "oom", undefined],
    ["<13>1 2026-03-14T10:11:12Z web1 app 12 - - oom: killed 12", "web1", "app", 12],
  ])("%s has its host, its process and its message", (line, host, name, pid) => {
    const document = parseLine("system.syslog", line);
    expect([document["host.hostname"], document["process.name"], document["process.pid"]]).toEqual([
      host,
      name,
      pid,
    ]);
    expect(document["message"]).toMatch(/^(?:oom: )?killed 12$/);
    expect(document["@timestamp"]).toMatch(/^2026-03-14T10:11:12/);
  });

  test("a message without a process is kept whole", () => {
    const document = parseLine("system.syslog", "Mar 14 11:11:12 web1 -- MARK --");
    expect(document).toMatchObject({ "host.hostname": "web1", message: "-- MARK --" });
    expect(document).not.toHaveProperty("process.name");
  });

  test("the parts of RFC 5424 are kept, also structured data that is not valid", () => {
    expect(
      parseLine("system.syslog", "<34>1 2026-03-14T10:11:12Z web1 - - ID7 [meta n=10] failed"),
    ).toMatchObject({
      message: "failed",
      "log.syslog.priority": 34,
      "log.syslog.msgid": "ID7",
      "system.syslog.structured_data": "[meta n=10]",
      "log.level": "crit",
    });
  });

  test("lines without a header continue the event before, in order with lines of other processes", () => {
    const log = "Mar 14 11:11:12 mac a[1]: {\n\tx = 1\n}\nMar 14 11:11:13 mac b[2]: next\n";
    const messages = parseLines("system.syslog", log, "text").map((it) => it["message"]);
    expect(messages).toEqual(["{\n\tx = 1\n}", "next"]);
  });

  test("a line without a time is quarantined", () => {
    expect(parseLine("system.syslog", "hello")["error.message"]).toContain("syslog daemon");
  });
});

describe("authentication", () => {
  const at = (program: string, message: string): string =>
    `Mar 14 11:11:12 web1 ${program}: ${message}`;

  test.each([
    ["Accepted publickey for ann from 203.0.113.9 port 4711 ssh2: RSA SHA256:abc", "success"],
    ["Failed password for invalid user ann from 203.0.113.9 port 4711 ssh2", "failure"],
    ["Invalid user ann from 203.0.113.9", "failure"],
  ])("an SSH sign-in has its user, its address and its outcome: %s", (message, outcome) => {
    expect(parseLine("system.auth", at("sshd[12]", message))).toMatchObject({
      "event.action": "ssh_login",
      "event.outcome": outcome,
      "source.ip": "203.0.113.9",
      "user.name": "ann",
      "related.user": ["ann"],
    });
  });

  test("a command by sudo has who ran it, as whom and where, also if it was refused", () => {
    const message =
      "ann : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/cat a ; b";
    expect(parseLine("system.auth", at("sudo", ` ${message}`))).toMatchObject({
      message,
      "user.name": "ann",
      "user.effective.name": "root",
      "system.auth.sudo.command": "/bin/cat a ; b",
      "system.auth.sudo.error": "user NOT in sudoers",
      "system.auth.sudo.pwd": "/home/ann",
    });
  });

  test.each([
    ["session opened for user root by ann(uid=1000)", "ann", "root", "1000"],
    ["session opened for user ann(uid=1000) by (uid=0)", "ann", undefined, "0"],
    ["session closed for user ann", "ann", undefined, undefined],
  ])("a session of PAM has its users: %s", (message, user, target, id) => {
    const document = parseLine("system.auth", at("sudo", `pam_unix(sudo:session): ${message}`));
    expect(document["user.name"]).toBe(user);
    expect(document["user.effective.name"]).toBe(target);
    expect(document["user.id"]).toBe(id);
  });

  test("a new user is a change of identities", () => {
    const message = "new user: name=ann, UID=48, GID=49, home=/home/ann, shell=/bin/sh";
    expect(parseLine("system.auth", at("useradd[12]", message))).toMatchObject({
      "event.category": ["iam"],
      "event.type": ["user", "creation"],
      "event.outcome": "success",
      "user.id": "48",
      "group.id": "49",
    });
  });
});

describe("the lines of a syslog file are of the format that fits them", () => {
  const sshd = "Mar 14 11:11:12 web1 sshd[12]: Connection closed by 203.0.113.9";
  const kernel = "Mar 14 11:11:12 web1 kernel: eth0: link up";

  test.each([
    ["system.syslog", [kernel, kernel, sshd]],
    ["system.auth", [sshd, sshd]],
    ["nginx.access", [`<190>Mar 14 11:11:12 web1 nginx: ${COMBINED}`]],
    ["aws.ec2", [`2026-03-14T10:11:12.000Z ${kernel}`]],
  ])("%s", (dataset, lines) => {
    expect(detectFormat(Buffer.from(`${lines.join("\n")}\n`)).format?.dataset).toBe(dataset);
  });
});

test("an exported line of CloudWatch Logs has the times of both, and the message without them", () => {
  const line = "2026-03-14T10:11:12.000Z Mar 14 10:11:12 web1 cron[12]: done";
  expect(parseLine("aws.cloudwatch", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "aws.cloudwatch.message": "web1 cron[12]: done",
  });
  expect(parseLine("aws.ec2", line)).toMatchObject({ message: "done", "process.pid": 12 });
});
