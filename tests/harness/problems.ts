import { readFile } from "node:fs/promises";

import { io } from "socket.io-client";

import { PROBLEMS_NAMESPACE, ProblemsMessage, type ShownProblem } from "#dashboards/api.ts";

import type { ControlPlane } from "./control-plane.ts";
import { until } from "./program.ts";
import { logLinesIn } from "./service.ts";

/** Where a control plane reports its problems. */
export type Reports = AsyncDisposable & {
  /** The problems that were pushed last; undefined before the first push. */
  pushed(): ShownProblem[] | undefined;
  /** Resolves when the problem is reported on the pages, by socket, at /readyz, in the log and in the metrics. */
  begun(problem: Expected): Promise<void>;
  /** Resolves when the problem is reported nowhere any more, and the log has its end. */
  over(problem: Expected): Promise<void>;
  /** The log lines about problems of the kind: `problem-started` or `problem-ended`. */
  logged(kind: string): Promise<string[]>;
};

type Expected = { kind: string; level?: "error" | "warning"; text: string };

export function reportsOf(
  server: ControlPlane,
  { data, cookie }: { data: string; cookie: string },
): Reports {
  let pushed: ShownProblem[] | undefined;
  const socket = io(`${server.url}${PROBLEMS_NAMESPACE}`, {
    path: "/socket",
    transports: ["websocket"],
    extraHeaders: { cookie },
  });
  socket.on("problems", (message: unknown) => {
    pushed = ProblemsMessage.parse(message);
  });

  const textOf = async (path: string): Promise<string> => (await server.get(path, cookie)).text();
  const logged = async (kind: string): Promise<string[]> =>
    logLinesIn(await readFile(`${data}/logs/quarterdeck.log`, "utf8"))
      .filter((line) => line["event.code"] === kind)
      .map((line) => `${String(line["event.action"])} ${String(line["message"])}`);

  const places = ({ kind, level = "error", text }: Expected) => ({
    "the socket": async () => pushed?.some(({ message }) => message.includes(text)) === true,
    "the board's HTML": async () => (await textOf("/")).includes(htmlText(text)),
    "the HTML of Explore": async () => (await textOf("/explore")).includes(htmlText(text)),
    "/readyz": async () => (await textOf("/readyz")).includes(JSON.stringify(text).slice(1, -1)),
    "the metrics": async () =>
      new RegExp(`^quarterdeck_problems\\{kind="${kind}",level="${level}"\\} [1-9]`, "m").test(
        await textOf("/metrics"),
      ),
  });

  return {
    pushed: () => pushed,
    logged,
    async begun(problem) {
      for (const [place, isReported] of Object.entries(places(problem))) {
        await until(`${problem.text} in ${place}`, isReported);
      }
      await until(`${problem.text} in the log`, async () =>
        (await logged(problem.kind)).some(
          (line) => line.startsWith("problem-started") && line.includes(problem.text),
        ),
      );
    },
    async over(problem) {
      for (const [place, isReported] of Object.entries(places(problem))) {
        await until(`the end of ${problem.text} in ${place}`, async () => !(await isReported()));
      }
      await until(`the end of ${problem.text} in the log`, async () =>
        (await logged(problem.kind)).some(
          (line) => line.startsWith("problem-ended") && line.includes(problem.text),
        ),
      );
    },
    async [Symbol.asyncDispose]() {
      socket.disconnect();
    },
  };
}

const htmlText = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#x27;");
