import {
  type Collection,
  MongoClient,
  MongoError,
  MongoErrorLabel,
  MongoServerError,
  MongoWriteConcernError,
  ReadPreference,
} from "mongodb";

import { AppError } from "#platform/errors.ts";

import type { Application, Revision, RevisionFacts } from "../domain/application.ts";
import type { Commit, SettingsStore } from "../store/port.ts";
import { factsText, readApplication, readFacts, readRevision } from "./documents.ts";

/**
 * One document holds an application and its last revision, so that both change atomically. Before the next revision
 * replaces it, the last one is copied into the history. A crash in between loses nothing: readers of a history look at
 * both, and the next writer copies it first, idempotently.
 */
type ApplicationDocument = {
  _id: string;
  version: number;
  application: string;
  secrets: readonly string[];
  /** Revision of this version, as a document of the history. */
  last: RevisionDocument;
};
type RevisionDocument = {
  _id: string;
  application: string;
  revision: number;
  document: string;
  /** Absent in documents of releases before this field; the document then has them. */
  facts?: string;
  request?: string;
};

const SECONDARY = { mode: "secondaryPreferred", maxStalenessSeconds: 90 } as const;
const DUPLICATE = 11_000;
const RETRY_AFTER_MS = 2_000;

/**
 * Majority writes with retries, and reads from the primary with majority concern, so that nothing is read that a fail-
 * over rolls back.
 */
export function mongoClient(url: string): MongoClient {
  return new MongoClient(url, {
    appName: "quarterdeck management",
    retryReads: true,
    retryWrites: true,
    writeConcern: { w: "majority", wtimeoutMS: 10_000 },
    readConcern: { level: "majority" },
    readPreference: "primary",
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    socketTimeoutMS: 15_000,
    maxPoolSize: 20,
  });
}

type Collections = {
  applications: Collection<ApplicationDocument>;
  revisions: Collection<RevisionDocument>;
};

/**
 * The store in MongoDB. Reads that may be stale (resolved settings, flags, lists) prefer secondaries at most 90 s
 * behind, the minimum that MongoDB allows. Decisions and watchers read from the primary.
 * @throws AppError unavailable when it cannot be reached
 */
export async function openMongoStore(client: MongoClient): Promise<SettingsStore> {
  const database = client.db();
  const collections: Collections = {
    applications: database.collection("management_applications"),
    revisions: database.collection("management_revisions"),
  };
  await reached(
    Promise.all([
      collections.applications.createIndex({ secrets: 1 }),
      collections.revisions.createIndex({ application: 1, revision: 1 }, { unique: true }),
      collections.revisions.createIndex({ application: 1, request: 1 }),
    ]),
  );
  return {
    ...mongoApplications(collections),
    ...mongoHistory(collections),
    check: async () => void (await reached(database.command({ ping: 1 }))),
    close: () => client.close(),
  };
}

const HISTORY = ["done", "history", "since", "revision"] as const;
type History = Pick<SettingsStore, (typeof HISTORY)[number]>;
type Applications = Omit<SettingsStore, (typeof HISTORY)[number] | "check" | "close">;

function mongoApplications(collections: Collections): Applications {
  const { applications } = collections;
  const primary = (name: string) => reached(applications.findOne({ _id: name }));
  return {
    load: async (_, name) => applicationOf(await primary(name)),
    async peek(name, from) {
      const near = from.after === undefined;
      const seen = near
        ? await reached(applications.findOne({ _id: name }, { readPreference: secondary() }))
        : null;
      return applicationOf(seen && seen.version >= from.version ? seen : await primary(name));
    },
    async commit(_, change) {
      const document = documentOf(change);
      if (document.version === 1) return inserted(applications, document);
      const { _id, ...fields } = document;
      const before = await primary(_id);
      if (before?.version !== document.version - 1) return false;
      await keep(collections, before.last);
      const { modifiedCount } = await reached(
        applications.updateOne({ _id, version: before.version }, { $set: fields }),
      );
      // Saves readers of the history the extra look-up; if this process dies here, the next writer does it.
      if (modifiedCount === 1) await keep(collections, document.last);
      return modifiedCount === 1;
    },
    async list({ after, limit }) {
      const found = applications
        .find({ _id: { $gt: after } }, { readPreference: secondary() })
        .sort({ _id: 1 })
        .limit(limit);
      return (await reached(found.toArray())).map((it) => readApplication(it.application));
    },
    async referringTo(_, secret) {
      const found = applications.find({ secrets: secret }).sort({ _id: 1 }).limit(10);
      return (await reached(found.toArray())).map(({ _id }) => _id);
    },
  };
}

function mongoHistory(collections: Collections): History {
  const { applications, revisions } = collections;
  /** The last revision, if it is not in the history yet. */
  const lastOf = async (name: string): Promise<RevisionDocument | undefined> =>
    (await reached(applications.findOne({ _id: name })))?.last;
  return {
    async done(_, name, request) {
      const last = await lastOf(name);
      const found =
        last?.request === request
          ? last
          : await reached(revisions.findOne({ application: name, request }));
      return found ? readRevision(found.document) : undefined;
    },
    async history(name, { before, limit }) {
      const last = await lastOf(name);
      const query = { application: name, revision: { $lt: before } };
      const found = await reached(
        revisions
          .find(query, { projection: { document: 0 } })
          .sort({ revision: -1 })
          .limit(limit)
          .toArray(),
      );
      const missing = last && last.revision < before && found[0]?.revision !== last.revision;
      const listed = (missing ? [last, ...found] : found).slice(0, limit);
      return Promise.all(listed.map((it) => factsOf(collections, it)));
    },
    async since(_, name, { after, limit }) {
      const last = await lastOf(name);
      const query = { application: name, revision: { $gt: after } };
      const found = await reached(
        revisions.find(query).sort({ revision: 1 }).limit(limit).toArray(),
      );
      const next = (found.at(-1)?.revision ?? after) + 1;
      return (last?.revision === next ? [...found, last] : found).slice(0, limit).map(revisionOf);
    },
    async revision(name, revision) {
      const found = await reached(revisions.findOne({ application: name, revision }));
      if (found) return revisionOf(found);
      const last = await lastOf(name);
      return last?.revision === revision ? revisionOf(last) : undefined;
    },
  };
}

async function factsOf(
  { revisions }: Collections,
  { _id, facts, document }: Omit<RevisionDocument, "document"> & { document?: string },
): Promise<RevisionFacts> {
  return readFacts(facts ?? document ?? (await reached(revisions.findOne({ _id })))?.document);
}

const secondary = () =>
  new ReadPreference(SECONDARY.mode, undefined, {
    maxStalenessSeconds: SECONDARY.maxStalenessSeconds,
  });

const applicationOf = (document: ApplicationDocument | null): Application | undefined =>
  document === null ? undefined : readApplication(document.application);

const revisionOf = ({ document }: RevisionDocument): Revision => readRevision(document);

function documentOf({ application, revision, secrets, request }: Commit): ApplicationDocument {
  const { name, version } = application;
  const last: RevisionDocument = {
    _id: `${name} ${version}`,
    application: name,
    revision: version,
    document: JSON.stringify(revision),
    facts: factsText(revision),
    ...(request === undefined ? {} : { request }),
  };
  return { _id: name, version, application: JSON.stringify(application), secrets, last };
}

/** Whether it was inserted. */
async function inserted(
  applications: Collections["applications"],
  document: ApplicationDocument,
): Promise<boolean> {
  try {
    await reached(applications.insertOne(document));
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE) return false;
    throw error;
  }
}

/** Writes a revision into the history unless it exists. */
async function keep({ revisions }: Collections, { _id, ...rest }: RevisionDocument): Promise<void> {
  try {
    await reached(revisions.updateOne({ _id }, { $setOnInsert: rest }, { upsert: true }));
  } catch (error) {
    // Another process wrote it at the same time.
    if (!(error instanceof MongoServerError && error.code === DUPLICATE)) throw error;
  }
}

/** Errors of network and server selection. */
const UNREACHABLE =
  /^Mongo(?:Network|ServerSelection|PoolCleared|WaitQueueTimeout|TopologyClosed|ServerClosed|NotConnected)/;
/** Error codes of a member that is not primary or is shutting down, in addition to those labelled retryable. */
const NOT_PRIMARY = new Set([91, 189, 10_107, 10_058, 11_600, 11_602, 13_435, 13_436]);

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  if (UNREACHABLE.test(error.name) || error.hasErrorLabel(MongoErrorLabel.RetryableWriteError)) {
    return true;
  }
  // No majority confirmed in time: the write may still succeed, which the next writer detects.
  if (error instanceof MongoWriteConcernError) return true;
  return error instanceof MongoServerError && NOT_PRIMARY.has(Number(error.code));
}

async function reached<Result>(doing: Promise<Result>): Promise<Result> {
  try {
    return await doing;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    throw new AppError("unavailable", "The settings store is unavailable. Try again later.", {
      cause: error,
      waitMs: RETRY_AFTER_MS,
    });
  }
}
