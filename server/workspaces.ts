import { rm } from "node:fs/promises";

import { readLastStart, saveLastStart } from "./last-start.ts";
import {
  openWorkspace,
  type Workspace,
  type WorkspaceDeps,
  type WorkspaceKind,
} from "./workspace.ts";

export type Workspaces = {
  current(): Workspace;
  /** Stops the demo, deletes its data, and opens the workspace of the real logs, even if there are none yet. */
  turnDemoOff(): Promise<void>;
  /** Calls the listener when the demo has stopped, before its folder is deleted. */
  onDemoOff(listener: () => Promise<void>): void;
  /** Calls the listener when the workspace was replaced or its stored history has changed. */
  onChange(listener: () => void): void;
  /** Calls the listener when there are new events. */
  onFrames(listener: () => void): void;
  stop(): Promise<void>;
};

/** The workspace in use, which can be replaced while the control plane runs. */
export async function openWorkspaces(
  options: Omit<WorkspaceDeps, "onHistoryChanged" | "onFrames">,
  kind: WorkspaceKind,
): Promise<Workspaces> {
  let notify: (() => void) | undefined;
  let notifyFrames: (() => void) | undefined;
  let notifyDemoOff: (() => Promise<void>) | undefined;
  const deps: WorkspaceDeps = {
    ...options,
    onHistoryChanged: () => notify?.(),
    onFrames: () => notifyFrames?.(),
  };
  let current = await openWorkspace(deps, kind);
  let replacing: Promise<void> | undefined;

  async function replaceDemo(): Promise<void> {
    const { root, demo } = deps.folder;
    saveLastStart(root, { demo: "off" });
    const before = current;
    current = await openWorkspace(deps, { kind: "logs", paths: readLastStart(root).paths });
    notify?.();
    await before.destroy();
    // The rest is deleted even if the domain APIs, which report their failure, cannot continue.
    await notifyDemoOff?.().catch((error: unknown) =>
      deps.log.error("the domain APIs cannot leave the demo", { error }),
    );
    await rm(demo, { recursive: true, force: true });
  }

  return {
    current: () => current,
    turnDemoOff: () => {
      replacing ??= replaceDemo().finally(() => {
        replacing = undefined;
      });
      return replacing;
    },
    onDemoOff: (listener) => {
      notifyDemoOff = listener;
    },
    onChange: (listener) => {
      notify = listener;
    },
    onFrames: (listener) => {
      notifyFrames = listener;
    },
    stop: async () => {
      await replacing;
      await current.stop();
    },
  };
}
