import { cloudTrailKind } from "../sources/cloudtrail.ts";
import { databaseKind } from "../sources/database.ts";
import { gelfKind } from "../sources/listeners/gelf.ts";
import { journalKind } from "../sources/listeners/journal.ts";
import { relpKind } from "../sources/listeners/relp.ts";
import { syslogKind } from "../sources/listeners/syslog.ts";
import { s3Kind } from "../sources/s3.ts";
import { snsKind } from "../sources/sns.ts";
import { filesKind } from "./files-kind.ts";
import type { SourceKind } from "./source-kind.ts";

/** All kinds of sources that can be configured, in the order in which they are offered. */
export const SOURCE_KINDS: readonly SourceKind[] = [
  filesKind,
  syslogKind,
  relpKind,
  gelfKind,
  journalKind,
  s3Kind,
  cloudTrailKind,
  snsKind,
  databaseKind,
];
