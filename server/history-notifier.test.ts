import { expect, onTestFinished, test, vi } from "vitest";

import { HistoryNotifier } from "./history-notifier.ts";

function openNotifier() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const notify = vi.fn<() => void>();
  const notifier = new HistoryNotifier(true, notify);
  onTestFinished(() => notifier.stop());
  return { notify, notifier };
}

test("a log of last week is history, in spite of some lines of now or of the future", () => {
  const { notify, notifier } = openNotifier();
  notifier.sealed({ rows: 10_000, historyRows: 9_990 });
  vi.runAllTimers();
  expect(notify).toHaveBeenCalledTimes(1);
});

test("a live log is not loaded again because of some late lines", () => {
  const { notify, notifier } = openNotifier();
  notifier.sealed({ rows: 1_000, historyRows: 20 });
  vi.runAllTimers();
  expect(notify).not.toHaveBeenCalled();
});
