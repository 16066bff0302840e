"use client";

import { useEffect, useState } from "react";

import { systemClock } from "#platform/clock.ts";

import { LiveFrame, type Board } from "../api.ts";
import { onVisibility } from "../client/on-visibility.ts";
import { type ConnectionStatus, followConnection, openSocket } from "./connection.ts";
import { addFrame, liveBoard, openHistory } from "./merge-frame.ts";

export type LiveState = {
  /**
   * `off`: the range does not follow the clock. `reloaded`: a filtered board, as frames are of all events, or a range
   * that reaches into the future.
   */
  status: ConnectionStatus | "no-indexer" | "reloaded" | "off";
  /** The newest frame, for numbers; undefined before the first one. */
  frame: LiveFrame | undefined;
  /** The board with pushed data, for charts; updated at most once a second. */
  board: Board | undefined;
};

const CHARTS_EVERY_MS = 1000;
const MINUTE_MS = 60_000;
const STORED_AFTER_MS = 5000;
const OFF: LiveState = { status: "off", frame: undefined, board: undefined };
const RELOADED: LiveState = { ...OFF, status: "reloaded" };
/** A filtered board is counted from events, which costs more than a frame. */
export const RELOAD_MS = 30_000;

/** Pushed data, and the loaded board that it belongs to. */
type Pushed = LiveState & { loaded: Board };

/**
 * Follows a live board by socket. The board is reloaded only after the connection was lost or the tab was hidden, when
 * half of the forecast has passed, and at the end of each step that frames cannot fill.
 */
export function useLiveBoard(loaded: Board | undefined, reload: () => void): LiveState {
  const [pushed, setPushed] = useState<Pushed>();
  useEffect(() => {
    if (!loaded || loaded.dataset === null) return;
    if (isReloaded(loaded)) return reloadSoon(reload);
    if (!loaded.live) return;
    return follow(loaded, setPushed, reload);
  }, [loaded, reload]);
  if (loaded && isReloaded(loaded)) return RELOADED;
  if (!loaded?.live) return OFF;
  if (pushed?.loaded === loaded) return pushed;
  const sameDataset = pushed?.loaded.dataset === loaded.dataset;
  return { status: "connecting", frame: sameDataset ? pushed?.frame : undefined, board: loaded };
}

const isReloaded = ({ live, isFiltered, toMs, atMs }: Board): boolean =>
  live ? isFiltered : toMs > atMs;

/** Reloads once, while the tab is visible; returns a function that cancels it. */
function reloadSoon(reload: () => void): () => void {
  let isDue = false;
  const timer = setTimeout(() => {
    isDue = true;
    if (!document.hidden) reload();
  }, RELOAD_MS);
  const unwatch = onVisibility((visible) => {
    if (visible && isDue) reload();
  });
  return () => {
    clearTimeout(timer);
    unwatch();
  };
}

type SetPushed = (next: (last: Pushed | undefined) => Pushed) => void;

/** Opens the socket and adds its frames; returns a function that closes it. */
function follow(loaded: Board, setPushed: SetPushed, reload: () => void): () => void {
  const history = openHistory(loaded);
  const outdatedMs = Math.min(forecastOutdatedMs(loaded), stepOutdatedMs(loaded));
  const fresh: Pushed = { loaded, status: "connecting", frame: undefined, board: loaded };
  let drawnMs = 0;
  let connections = 0;
  const update = (change: Partial<Pushed>): void =>
    setPushed((last) => ({
      ...fresh,
      frame: last?.loaded.dataset === loaded.dataset ? last.frame : undefined,
      ...(last?.loaded === loaded ? last : {}),
      ...change,
    }));
  const socket = openSocket();
  const watch = (): void => {
    connections += 1;
    if (connections > 1) reload();
    else socket.emit("watch", { dataset: loaded.dataset });
  };
  const unfollow = followConnection(socket, {
    onStatus: (status) => update({ status }),
    onLive: watch,
    onRefused: reload,
  });
  socket.on("changed", reload);
  socket.on("frame", (message: unknown) => {
    const frame = LiveFrame.safeParse(message);
    if (!frame.success || frame.data.dataset !== loaded.dataset) return;
    addFrame(history, frame.data);
    if (frame.data.atMs > outdatedMs) return reload();
    const nowMs = systemClock.nowMs();
    const draws = nowMs - drawnMs >= CHARTS_EVERY_MS;
    if (draws) drawnMs = nowMs;
    const board = draws ? { board: liveBoard(history, frame.data.atMs) } : {};
    const status = frame.data.hasIndexer ? "live" : "no-indexer";
    update({ status, frame: frame.data, ...board });
  });
  return unfollow;
}

/** Time at which the board's last step will be complete and stored, for steps that are longer than frames cover. */
function stepOutdatedMs({ toMs, stepMs }: Board): number {
  if (stepMs <= MINUTE_MS) return Infinity;
  return (Math.floor(toMs / stepMs) + 1) * stepMs + STORED_AFTER_MS;
}

function forecastOutdatedMs({ predictedRequestsPerSecond: prediction }: Board): number {
  if (prediction.status === "learning") return Infinity;
  const endMs = prediction.tMs.at(-1) ?? Infinity;
  return Math.max(prediction.issuedMs + 60_000, (prediction.issuedMs + endMs) / 2);
}
