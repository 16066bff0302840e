import { expect, onTestFinished, vi } from "vitest";

import type { Command } from "./command.ts";

/** Captures what commands of this process print until the test ends. */
export function captureOutput() {
  const shown: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    shown.push(String(text));
    return true;
  });
  onTestFinished(() => write.mockRestore());
  return {
    /** Runs a command that succeeds. */
    async of(command: Pick<Command, "run">, ...args: string[]): Promise<string> {
      shown.length = 0;
      expect(await command.run(args)).toBe(0);
      return shown.join("");
    },
  };
}
