import type { Colour } from "#deployer/drivers.ts";

import type { ErrorCount } from "../traffic/count-errors.ts";

/** What is wrong with a template, for people; without a line it is about all of it. Lines are counted from 1. */
export type Mistake = { line: number | null; message: string };

/** What a node does now, to be compared with what it did before it got another template. */
export type NodeHealth = {
  pid: number;
  /** The hash of the template that its running process has. */
  template: string | undefined;
  workloads: Readonly<Record<string, Readonly<Record<Colour, LaneHealth>>>>;
};

export type LaneHealth = {
  /** Slots that get requests and pass their checks. */
  up: number;
  /** What the node answers to the check path of this colour; null if it has no slot that is up, or does not answer. */
  status: number | null;
};

/** A node of the edge whose configuration is rendered from a template. */
export type TemplateNode = {
  readonly id: string;
  /** Gives it a template without closing connections. It goes on as before if that fails. @throws AppError */
  useTemplate(text: string): Promise<void>;
  /** @throws AppError unavailable if it cannot be reached */
  health(): Promise<NodeHealth>;
  /** Begins to count what its clients get; each call of the result returns the counts since the beginning. */
  countErrors(): Promise<() => Promise<ErrorCount>>;
};

/** All nodes that get the same template. */
export type TemplateEdge = {
  readonly nodes: readonly TemplateNode[];
  /** Checks a template for each node, with everything that can be known before a node gets it. Changes nothing. */
  checkTemplate(text: string): Promise<Mistake[]>;
};
