import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { AppError } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

import { authorityIn, certificateIn, keyIn } from "./certificate-files.ts";
import { issueAuthority, issueCertificate, type KeyPair } from "./issue-certificate.ts";
import { CONTROL_PLANE, certificateNameOf, NODE_NAME } from "./names.ts";

/** Names of the files in the folders. */
const AUTHORITY = "ca";
export const CONTROL_PLANE_FILES = "control-plane";
export const NODE_FILES = "node";

const folderOfNode = (folder: string, node: string): string => path.join(folder, "nodes", node);

/**
 * Makes new certificates: of the control plane, or of the named nodes, each in a folder that belongs on its machine. The
 * authority is made with the first of them. Keys are readable by their owner only.
 * @returns the folders of the nodes
 * @throws AppError bad_request for a name that cannot be one
 */
export async function makeCertificates(
  folder: string,
  nodes: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const wrong = nodes.find((node) => !NODE_NAME.test(node));
  if (wrong !== undefined) {
    const message = `${wrong} is no name of a node: give at most 32 of a-z, 0-9 and hyphens, such as lb1`;
    throw new AppError("bad_request", message);
  }
  makePrivateFolder(folder);
  const authority = await authorityOf(folder, nowMs);
  const isFirst = !existsSync(certificateIn(folder, CONTROL_PLANE_FILES));
  if (nodes.length === 0 || isFirst) {
    const issued = { name: CONTROL_PLANE, use: "control-plane", nowMs } as const;
    writePair(folder, CONTROL_PLANE_FILES, await issueCertificate(authority, issued));
  }
  const folders: string[] = [];
  for (const node of nodes) {
    const own = folderOfNode(folder, node);
    makePrivateFolder(own);
    const issued = { name: certificateNameOf(node), use: "node", nowMs } as const;
    replaceFile(authorityIn(own), authority.certificate);
    writePair(own, NODE_FILES, await issueCertificate(authority, issued));
    folders.push(own);
  }
  return folders;
}

export type Listed = { name: string; file: string; certificate: X509Certificate };

/** All certificates that were made in the folder: that of the authority, of the control plane, and of nodes. */
export function listCertificates(folder: string): Listed[] {
  const nodesFolder = path.join(folder, "nodes");
  const nodes = existsSync(nodesFolder) ? readdirSync(nodesFolder).toSorted() : [];
  const files = [
    { name: "authority", file: authorityIn(folder) },
    { name: "control plane", file: certificateIn(folder, CONTROL_PLANE_FILES) },
    ...nodes.map((name) => ({ name, file: certificateIn(folderOfNode(folder, name), NODE_FILES) })),
  ];
  return files
    .filter(({ file }) => existsSync(file))
    .map((it) => ({ ...it, certificate: new X509Certificate(readFileSync(it.file)) }));
}

async function authorityOf(folder: string, nowMs: number): Promise<KeyPair> {
  const [certificateFile, keyFile] = [authorityIn(folder), keyIn(folder, AUTHORITY)];
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    return {
      certificate: readFileSync(certificateFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
  }
  const made = await issueAuthority(nowMs);
  writePair(folder, AUTHORITY, made);
  return made;
}

/** The key first: files are used as soon as both belong together. */
function writePair(folder: string, name: string, { certificate, key }: KeyPair): void {
  replaceFile(keyIn(folder, name), key);
  replaceFile(certificateIn(folder, name), certificate);
}

const makePrivateFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
};
