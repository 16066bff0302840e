import { isIP } from "node:net";

import type { RowWriter } from "../text-line.ts";
import type { SystemLine } from "./header.ts";

const VENDOR = "system.auth";
const SSH_ATTEMPT =
  /^(\S{1,64}) (\S{1,64}) for (?:(?:invalid|illegal) user )?(.{0,256}?) from (\S{1,255}) port (\d{1,5}) ssh2(?:: (.{1,1024}))?/;
const SSH_USER = /^(.{1,200}?) user (\S{0,256}) from (\S{1,255})/;
const SSH_DROPPED = /^Did not receive identification string from (\S{1,255})/;
const SUDO =
  /^(\S{1,256}) :(?: (.{1,256}?) ;)? TTY=(.{1,256}?) ; PWD=(.{1,4096}?) ; USER=(.{1,256}?) ; (?:GROUP=.{1,256}? ; )?(?:TSID=\S{1,64} ; )?(?:ENV=.{1,4096}? ; )?COMMAND=(.*)$/s;
const NEW_GROUP = /^new group: name=([^,]{1,256}), GID=(\d{1,15})/;
const NEW_USER =
  /^new user: name=([^,]{1,256}), UID=(\d{1,15}), GID=(\d{1,15}), home=([^,]{0,4096}), shell=([^,]{0,4096})/;
/** Names may be in quotes; newer versions of PAM add the number of the user. */
const PAM_SESSION =
  /for user ['"]?([^\s'"(]{1,256})['"]?(?:\(uid=\d{1,15}\))? by ['"]?([^\s'"(]{0,256})['"]?(?:\(uid=(\d{1,15})\))?$/;
const PAM_FOR = /for user ['"]?([^\s'"(]{1,256})['"]?(?:\(uid=\d{1,15}\))?$/;
const PAM_BY = /by user ['"]?([^\s'"]{1,256})['"]?$/;
const LENGTH_MAX = 8192;
const IAM_TYPES: Readonly<Record<string, readonly [string, string]>> = {
  useradd: ["user", "creation"],
  userdel: ["user", "deletion"],
  usermod: ["user", "change"],
  groupadd: ["group", "creation"],
  groupdel: ["group", "deletion"],
  groupmod: ["group", "change"],
};

/** Writes who did what: a sign-in by SSH, a command by sudo, a session of PAM, or a change of users and groups. */
export function putAuthMessage({ message, process = "" }: SystemLine, row: RowWriter): void {
  const text = message.slice(0, LENGTH_MAX);
  const isKnown = putSsh(text, row) || putSudo(message, row) || putNew(text, row);
  if (!isKnown) putPam(text, row);
  const types = IAM_TYPES[process];
  if (!types) return;
  row.text("event.category", "iam");
  row.list("event.type", types);
  row.text("event.outcome", text.includes("fail") ? "failure" : "success");
}

function putSsh(text: string, row: RowWriter): boolean {
  const attempt = SSH_ATTEMPT.exec(text);
  if (attempt) {
    const [, event = "", method, user, from, port, signature] = attempt;
    row.extra(`${VENDOR}.ssh.method`, method);
    row.extra(`${VENDOR}.ssh.signature`, signature);
    row.number("source.port", port);
    putSshEvent(event, { user, from }, row);
    return true;
  }
  const named = SSH_USER.exec(text);
  if (named) {
    const [, event = "", user, from] = named;
    putSshEvent(event, { user, from }, row);
    return true;
  }
  const dropped = SSH_DROPPED.exec(text)?.[1];
  if (dropped === undefined) return false;
  row.extra(`${VENDOR}.ssh.dropped_ip`, isIP(dropped) === 0 ? undefined : dropped);
  if (isIP(dropped) !== 0) row.text("source.ip", dropped);
  return isIP(dropped) !== 0;
}

type Peer = Record<"user" | "from", string | undefined>;

function putSshEvent(event: string, { user, from }: Peer, row: RowWriter): void {
  row.extra(`${VENDOR}.ssh.event`, event);
  row.text("user.name", user);
  row.text("source.address", from);
  const isAccepted = event === "Accepted";
  if (!isAccepted && event !== "Failed" && event !== "Invalid") return;
  row.list("event.category", isAccepted ? ["authentication", "session"] : ["authentication"]);
  row.text("event.type", "info");
  row.text("event.action", "ssh_login");
  row.text("event.outcome", isAccepted ? "success" : "failure");
}

function putSudo(text: string, row: RowWriter): boolean {
  const [, user, error, terminal, folder, target, command] = SUDO.exec(text) ?? [];
  if (command === undefined) return false;
  row.text("user.name", user);
  row.extra("user.effective.name", target);
  row.extra(`${VENDOR}.sudo.error`, error);
  row.extra(`${VENDOR}.sudo.tty`, terminal);
  row.extra(`${VENDOR}.sudo.pwd`, folder);
  row.extra(`${VENDOR}.sudo.user`, target);
  row.extra(`${VENDOR}.sudo.command`, command);
  return true;
}

function putNew(text: string, row: RowWriter): boolean {
  const [, name, groupId] = NEW_GROUP.exec(text) ?? [];
  if (groupId !== undefined) {
    row.extra("group.name", name);
    row.extra("group.id", groupId);
    return true;
  }
  const [, user, userId, ofUser, home, shell] = NEW_USER.exec(text) ?? [];
  if (ofUser === undefined) return false;
  row.text("user.name", user);
  row.text("user.id", userId);
  row.extra("group.id", ofUser);
  row.extra(`${VENDOR}.useradd.home`, home);
  row.extra(`${VENDOR}.useradd.shell`, shell);
  return true;
}

function putPam(text: string, row: RowWriter): void {
  const session = PAM_SESSION.exec(text);
  if (!session) {
    row.text("user.name", PAM_FOR.exec(text)?.[1] ?? PAM_BY.exec(text)?.[1]);
    return;
  }
  const [, target, by = "", id] = session;
  row.text("user.name", by === "" ? target : by);
  row.text("user.id", id);
  if (by !== "") row.extra("user.effective.name", target);
}
