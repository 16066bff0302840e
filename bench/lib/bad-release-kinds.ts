import type { StartRequest } from "#dashboards/deploys/requests.ts";

const FIRST_STEP_BP = 500;

/** Short times: what is bad about these releases shows at once. */
const QUICK: StartRequest["strategy"] = {
  kind: "blue-green",
  stepsBp: [FIRST_STEP_BP, 5_000],
  analyseMs: 2_000,
  analyseMsMax: 60_000,
  requestsMin: 5,
  onInconclusive: "hold",
  bakeMs: 2_000,
  drainMs: 5_000,
  warmUp: false,
  contractAfterMs: 0,
};

/** A kind of bad release, and how its deploy must end. */
export type BadKind = {
  /** How it must end, which is decided by a state of the machine. */
  end: "failed" | "rolled back" | "held";
  /** The reason says where and what. */
  reason: RegExp;
  strategy: StartRequest["strategy"];
  hasContract?: true;
  /** Clients get its errors as long as it has its first share of the traffic. */
  answersWithErrors?: true;
  /** Nobody gets it, or only its first share. */
  exposedBp: number;
};

/** A task, its address and the time of its end. */
const TASK = String.raw`task [0-9a-f]{8} \(127[.\d]+:8080\) at \d\d:\d\d:\d\d UTC, \d+ s after its start`;
const NOT_STARTED = String.raw`^The new tasks do not start: \d+ tasks of \S+ ended.* ${TASK}: `;
const UNDONE = String.raw`No user had \S+: its tasks are stopped, and \S+ serves as before\. Correct the cause and deploy again\.`;
const REVERTED = String.raw`\S+ has had up to 5 % of the traffic since \d\d:\d\d:\d\d UTC; all of it goes back to \S+, whose tasks are ready\. Correct the cause and deploy again\.`;
const failingBy = (what: string, end: string): RegExp => new RegExp(`${what}.*${end}`);

export const BAD_KINDS: Readonly<Record<string, BadKind>> = {
  "crash-loop": {
    end: "failed",
    reason: failingBy(`${NOT_STARTED}.*exit code 9.*INVOICE_BUCKET is missing`, UNDONE),
    strategy: QUICK,
    exposedBp: 0,
  },
  "failing-health": {
    end: "failed",
    reason: failingBy(`${NOT_STARTED}.*:8080/healthz answered 503`, UNDONE),
    strategy: QUICK,
    exposedBp: 0,
  },
  "failing-health-later": {
    end: "rolled back",
    reason: failingBy(
      String.raw`^(?:Since \d\d:\d\d:\d\d UTC no task of \S+ .*passes the health checks of the edge node lb\d|\d+ tasks of \S+ ended by themselves)`,
      REVERTED,
    ),
    strategy: { ...QUICK, analyseMs: 60_000, analyseMsMax: 120_000 },
    exposedBp: FIRST_STEP_BP,
  },
  "slow-start": {
    end: "failed",
    reason: failingBy(`${NOT_STARTED}.*nothing listens on this port.*loading 40,000,000`, UNDONE),
    strategy: QUICK,
    exposedBp: 0,
  },
  "wrong-port": {
    end: "failed",
    reason: failingBy(
      `${NOT_STARTED}.*:8080/healthz did not answer: nothing listens on this port.*listening on port 8081`,
      UNDONE,
    ),
    strategy: QUICK,
    exposedBp: 0,
  },
  errors: {
    end: "rolled back",
    reason: failingBy(
      String.raw`^100\.00 % of \d+ requests to the new release failed, 0\.00 % of \d+ requests to the old one, in \d+ s\.`,
      REVERTED,
    ),
    strategy: QUICK,
    answersWithErrors: true,
    exposedBp: FIRST_STEP_BP,
  },
  exits: {
    end: "rolled back",
    reason: failingBy(
      String.raw`^(?:Since \d\d:\d\d:\d\d UTC no task of \S+ .*passes the health checks of the edge node lb\d|\d+ tasks of \S+ ended by themselves.* ${TASK}: .*exit code 7.*heap out of memory)`,
      REVERTED,
    ),
    strategy: { ...QUICK, analyseMs: 120_000, analyseMsMax: 120_000 },
    exposedBp: FIRST_STEP_BP,
  },
  "early-contract": {
    end: "held",
    reason: failingBy(
      "^The contract migration failed: .*exit code 4.*cannot drop column invoices.total",
      String.raw`\S+ serves in any case\. Resume runs the migration again; abort ends the deploy without it\.`,
    ),
    strategy: QUICK,
    hasContract: true,
    exposedBp: 10_000,
  },
};
