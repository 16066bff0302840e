import type { Colour, Drivers } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import type { Mistake, NodeHealth, TemplateEdge, TemplateNode } from "../configuration/port.ts";
import type { ErrorCount } from "../traffic/count-errors.ts";
import { type LaneTraffic, sumTallies } from "../traffic/lane-history.ts";
import type { Ban } from "../varnish/ban.ts";
import { type AgentAddress, AgentClient } from "./agent-client.ts";
import type { CertificateFiles } from "./certificate-files.ts";
import type { Input, Output, ServedWorkload, Verb } from "./verbs.ts";

type Files = Pick<CertificateFiles, "current">;

/** The edge nodes of other machines, through their agents. */
export class RemoteEdge implements Disposable, TemplateEdge {
  readonly driver: Drivers["edge"];
  readonly nodes: readonly RemoteNode[];

  /** @param template that the nodes shall have when they are reached again, if it is not their own */
  constructor(
    addresses: readonly AgentAddress[],
    files: Files,
    template: () => string | undefined = () => undefined,
  ) {
    this.nodes = addresses.map((address) => new RemoteNode(address, files, template));
    this.driver = {
      nodes: async () => this.nodes.map(({ id }) => ({ id, retired: false })),
      read: async (id, workload) => this.node(id).ask("read", { workload }),
      apply: async (id, workload, config) => {
        const slots = { blue: [...config.slots.blue], green: [...config.slots.green] };
        await this.node(id).ask("apply", { workload, config: { ...config, slots } });
      },
      closeSessions: async (id, request) => {
        await this.node(id).ask("closeSessions", request);
      },
    };
  }

  /** @throws AppError not_found */
  node(id: string): RemoteNode {
    const node = this.nodes.find((it) => it.id === id);
    if (node === undefined) throw new AppError("not_found", `There is no edge node ${id}.`);
    return node;
  }

  /** Whether the nodes were told what to serve. */
  get isStarted(): boolean {
    return this.nodes.some((node) => node.isTold);
  }

  /** Which workloads the nodes serve. Nodes that cannot be reached are told as soon as they can. */
  async serve(workloads: readonly ServedWorkload[]): Promise<void> {
    await Promise.allSettled(this.nodes.map((node) => node.serve(workloads)));
  }

  /** What clients of all nodes that can be reached got since then (epoch ms). */
  async counts(workload: string, fromMs: number): Promise<Record<Colour, LaneTraffic>> {
    const asked = this.nodes.map((node) => node.ask("counts", { workload, fromMs }));
    const all = await Promise.allSettled(asked);
    return sumTallies(all.flatMap((it) => (it.status === "fulfilled" ? [it.value] : [])));
  }

  /** @throws AppError unavailable if a node cannot be reached */
  async checkTemplate(text: string): Promise<Mistake[]> {
    const all = await Promise.all(this.nodes.map((node) => node.ask("checkTemplate", { text })));
    const found = new Map(all.flat().map((it) => [`${it.line} ${it.message}`, it]));
    return [...found.values()];
  }

  /** @throws AppError if a node cannot be reached: it may have the responses still */
  async ban(ban: Ban): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.ask("ban", ban)));
  }

  [Symbol.dispose](): void {
    for (const node of this.nodes) node.close();
  }
}

/** A node, and what it was told to serve. */
export class RemoteNode implements TemplateNode {
  readonly #client: AgentClient;
  readonly #template: () => string | undefined;
  /** What its agent says about itself, since it can be reached. */
  about: Output<"version"> | undefined;
  #wanted: readonly ServedWorkload[] | undefined;
  #serving: Promise<unknown> | undefined;

  constructor(address: AgentAddress, files: Files, template: () => string | undefined) {
    this.#template = template;
    this.#client = new AgentClient(address, files);
  }

  get id(): string {
    return this.#client.address.node;
  }

  get host(): string {
    return this.#client.address.host;
  }

  get certificate(): AgentClient["certificate"] {
    return this.#client.certificate;
  }

  get isTold(): boolean {
    return this.#wanted !== undefined;
  }

  async serve(workloads: readonly ServedWorkload[]): Promise<void> {
    this.#wanted = workloads;
    this.#serving = undefined;
    await this.#tell();
  }

  /** @throws AppError with the name of the node */
  async ask<V extends Verb>(verb: V, input: Input<V>): Promise<Output<V>> {
    await this.#tell();
    try {
      return await this.#client.ask(verb, input);
    } catch (error) {
      // Its data folder was emptied, or the machine replaced.
      const isLost = error instanceof AppError && error.code === "not_found";
      if (isLost) this.#serving = undefined;
      throw error;
    }
  }

  /** Requests of clients since then (epoch ms), to all of its workloads. @throws AppError with the name of the node */
  async requests(fromMs: number): Promise<number> {
    const names = (this.#wanted ?? []).map(({ name }) => name);
    const asked = names.map((workload) => this.ask("counts", { workload, fromMs }));
    const all = await Promise.all(asked);
    return all.reduce((sum, { blue, green }) => sum + blue.requests + green.requests, 0);
  }

  async useTemplate(text: string): Promise<void> {
    await this.ask("useTemplate", { text });
  }

  async health(): Promise<NodeHealth> {
    return { template: undefined, ...(await this.ask("health", {})) };
  }

  async countErrors(): Promise<() => Promise<ErrorCount>> {
    const from = await this.ask("errors", {});
    return async () => {
      const now = await this.ask("errors", {});
      // They begin anew when the agent does.
      const isNew = now.requests < from.requests;
      if (isNew) return now;
      return { requests: now.requests - from.requests, errors: now.errors - from.errors };
    };
  }

  close(): void {
    this.#client.close();
  }

  async #introduce(workloads: readonly ServedWorkload[]): Promise<void> {
    const text = this.#template();
    if (text !== undefined) await this.#client.ask("useTemplate", { text });
    await this.#client.ask("serve", { workloads: [...workloads] });
    this.about = await this.#client.ask("version", {});
  }

  async #tell(): Promise<void> {
    if (this.#wanted === undefined) return;
    const telling = (this.#serving ??= this.#introduce(this.#wanted));
    try {
      await telling;
    } catch (error) {
      if (this.#serving === telling) this.#serving = undefined;
      throw error;
    }
  }
}
