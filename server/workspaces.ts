import { rm } from "node:fs/promises";

import { readSettings, saveSettings } from "./start-settings.ts";
import {
  openWorkspace,
  type Workspace,
  type WorkspaceDeps,
  type WorkspaceKind,
} from "./workspace.ts";

export type Workspaces = {
  current(): Workspace;
  /** Ends the demo, forgets its data, and goes on with the real logs, of which there may be none yet. */
  turnDemoOff(): Promise<void>;
  /** Calls the listener when the workspace was exchanged, or the past in it has changed. */
  onChange(listener: () => void): void;
  stop(): Promise<void>;
};

/** Holds the workspace in use, and exchanges it. */
export async function openWorkspaces(
  options: Omit<WorkspaceDeps, "onPastChanged">,
  kind: WorkspaceKind,
): Promise<Workspaces> {
  let changed: (() => void) | undefined;
  const deps: WorkspaceDeps = { ...options, onPastChanged: () => changed?.() };
  let current = await openWorkspace(deps, kind);
  let changing: Promise<void> | undefined;

  async function exchange(): Promise<void> {
    const { root, demo } = deps.folder;
    saveSettings(root, { ...readSettings(root), demo: "off" });
    const before = current;
    current = await openWorkspace(deps, { kind: "logs", paths: readSettings(root).paths });
    changed?.();
    await before.destroy();
    await rm(demo, { recursive: true, force: true });
  }

  return {
    current: () => current,
    turnDemoOff: () => {
      changing ??= exchange().finally(() => {
        changing = undefined;
      });
      return changing;
    },
    onChange: (listener) => {
      changed = listener;
    },
    stop: async () => {
      await changing;
      await current.stop();
    },
  };
}
