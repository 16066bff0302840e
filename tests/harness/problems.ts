import { readFile } from "node:fs/promises";

import { io } from "socket.io-client";

import { Board, PROBLEMS_NAMESPACE, ProblemsMessage, type ShownProblem } from "#dashboards/api.ts";

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

  const logged = async (kind: string): Promise<string[]> =>
    logLinesIn(await readFile(`${data}/logs/quarterdeck.log`, "utf8"))
      .filter((line) => line["event.code"] === kind)
      .map((line) => `${String(line["event.action"])} ${String(line["message"])}`);
  const places = (problem: Expected): Places =>
    placesOf(server, { cookie, problem, pushed: () => pushed });

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

type Places = Record<string, () => Promise<boolean>>;
type Shown = { cookie: string; problem: Expected; pushed(): ShownProblem[] | undefined };

/** Whether each place reports the problem now. */
function placesOf(server: ControlPlane, { cookie, problem, pushed }: Shown): Places {
  const { kind, level = "error", text } = problem;
  const textOf = async (path: string): Promise<string> => (await server.get(path, cookie)).text();
  const isIn = (problems: readonly ShownProblem[] = []): boolean =>
    problems.some(({ message }) => message.includes(text));
  return {
    "the socket": async () => isIn(pushed()),
    "the board": async () => isIn(Board.parse(JSON.parse(await textOf("/api/board"))).problems),
    "the board's HTML": async () => (await textOf("/")).includes(htmlText(text)),
    "the HTML of Explore": async () => (await textOf("/explore")).includes(htmlText(text)),
    "/readyz": async () => (await textOf("/readyz")).includes(JSON.stringify(text).slice(1, -1)),
    "the metrics": async () =>
      new RegExp(`^quarterdeck_problems\\{kind="${kind}",level="${level}"\\} [1-9]`, "m").test(
        await textOf("/metrics"),
      ),
  };
}

const htmlText = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#x27;");
