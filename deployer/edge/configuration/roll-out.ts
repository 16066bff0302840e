import { setTimeout as delay } from "node:timers/promises";

import { hashOf } from "../template.ts";
import type { ErrorCount } from "../traffic/count-errors.ts";
import { whyTooManyErrors, whyWorse } from "./health.ts";
import type { NodeHealth, TemplateEdge, TemplateNode } from "./port.ts";

/** How far a node is with a new template. */
export type Progress =
  | "waits"
  | "reloads"
  | "is-checked"
  | "is-observed"
  | "has-it"
  | "failed"
  | "goes-back"
  | "is-back";

export type RollOutPace = {
  /** How long the errors of the first node are counted. */
  observeMs: number;
  /** How long a node may take until it serves as before: its checks of tasks begin anew. */
  healthyMsMax: number;
  pollMs: number;
};

type RollOut = {
  edge: TemplateEdge;
  text: string;
  former: string;
  /** What clients of all nodes got before. */
  before: ErrorCount;
  pace: RollOutPace;
  signal: AbortSignal;
  onProgress(node: string, progress: Progress): void;
};

/**
 * Gives the nodes a template, the first one alone until it has proved itself. If one fails, all that have it go back, however long
 * that takes. Resolves when all have it, or none.
 * @returns why none has it; undefined if all have
 * @throws the reason of the signal, when some may have it
 */
export async function rollOut(of: RollOut): Promise<string | undefined> {
  const { edge, onProgress, signal } = of;
  for (const { id } of edge.nodes) onProgress(id, "waits");
  const touched: TemplateNode[] = [];
  for (const node of edge.nodes) {
    signal.throwIfAborted();
    touched.push(node);
    const failure = await failureOf(node, touched.length === 1, of);
    signal.throwIfAborted();
    if (failure === undefined) {
      onProgress(node.id, "has-it");
      continue;
    }
    onProgress(node.id, "failed");
    await Promise.all(touched.map((it) => goBack(it, of)));
    return `${node.id}: ${failure}`;
  }
  return undefined;
}

async function failureOf(
  node: TemplateNode,
  isFirst: boolean,
  of: RollOut,
): Promise<string | undefined> {
  const { text, before, pace, signal, onProgress } = of;
  try {
    const health = await node.health();
    const errors = await node.countErrors();
    onProgress(node.id, "reloads");
    await node.useTemplate(text);
    onProgress(node.id, "is-checked");
    const failure = await untilHealthy(node, health, of);
    if (failure !== undefined || !isFirst) return failure;
    onProgress(node.id, "is-observed");
    await delay(pace.observeMs, undefined, { signal });
    return whyTooManyErrors(before, await errors()) ?? (await untilHealthy(node, health, of));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @returns why it is not as healthy as before, after the time that it has for that */
async function untilHealthy(
  node: TemplateNode,
  before: NodeHealth,
  { text, pace, signal }: RollOut,
): Promise<string | undefined> {
  const endMs = performance.now() + pace.healthyMsMax;
  for (;;) {
    const now = await node.health().catch((error: unknown) => String(error));
    // A reload keeps the process: another one means that it has ended.
    const hasEnded = typeof now === "object" && now.pid !== before.pid;
    if (hasEnded) return "its process has ended and was started again";
    const worse = typeof now === "string" ? now : whyWorse(before, now, hashOf(text));
    if (worse === undefined || performance.now() > endMs) return worse;
    await delay(pace.pollMs, undefined, { signal });
  }
}

/** A node that is not there renders its files, and has the former template when it is started again. */
async function goBack(node: TemplateNode, of: RollOut): Promise<void> {
  of.onProgress(node.id, "goes-back");
  for (;;) {
    of.signal.throwIfAborted();
    try {
      await node.useTemplate(of.former);
      of.onProgress(node.id, "is-back");
      return;
    } catch {
      await delay(of.pace.pollMs, undefined, { signal: of.signal });
    }
  }
}
