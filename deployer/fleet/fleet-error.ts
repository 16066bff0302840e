import { AppError, type ErrorCode } from "#platform/errors.ts";

type Known = {
  code: ErrorCode;
  /** What to do about it. */
  hint?: string;
};

const CREDENTIALS =
  "The AWS credentials of this process are not valid: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of this machine.";

const CLUSTER = "Create the cluster, or correct `cluster` in ecs.yaml.";

const KNOWN: Readonly<Record<string, Known>> = {
  AccessDeniedException: {
    code: "forbidden",
    hint: "Give the user or the role of this process the policy policies/deployer.json, which node docker/ecs.ts writes.",
  },
  ClusterNotFoundException: {
    code: "not_found",
    hint: CLUSTER,
  },
  ExpiredTokenException: {
    code: "forbidden",
    hint: "The AWS credentials of this process have expired: renew them.",
  },
  IncompleteSignatureException: { code: "forbidden", hint: CREDENTIALS },
  InvalidSignatureException: {
    code: "forbidden",
    hint: `${CREDENTIALS} The clock of this machine must be right, too.`,
  },
  MissingAuthenticationTokenException: { code: "forbidden", hint: CREDENTIALS },
  UnrecognizedClientException: { code: "forbidden", hint: CREDENTIALS },
  ConflictException: { code: "conflict" },
  ServiceNotActiveException: { code: "conflict" },
  ServiceNotFoundException: { code: "not_found" },
  ThrottlingException: {
    code: "too_many_requests",
    hint: "Requests are repeated more slowly.",
  },
  ClientException: { code: "bad_request" },
  InvalidParameterException: { code: "bad_request" },
  UnsupportedFeatureException: { code: "bad_request" },
};

/** The SDK has found no credentials, or could not get them from where they are. */
const NO_CREDENTIALS = ["CredentialsProviderError", "TokenProviderError"];

/** Whether it is an error with which the service has answered: only these have a fault. */
export const isAnswer = (error: unknown): error is Error =>
  error instanceof Error && "$fault" in error;

/**
 * An error of Amazon ECS, or on the way to it, as one that people understand. Decided by its name, never by its text.
 * `refusal`: with what the attempt before was answered, which tells why the time was over.
 */
export function asAppError(error: unknown, refusal?: Error): AppError {
  if (error instanceof AppError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const failed = (code: ErrorCode, text: string): AppError =>
    new AppError(code, text, { cause: error });
  if (name === "AbortError" || name === "TimeoutError") {
    const last = refusal === undefined ? "" : ` ${asAppError(refusal).message}`;
    return failed("unavailable", `The fleet did not answer in time.${last}`);
  }
  if (NO_CREDENTIALS.includes(name)) {
    const text = `There are no AWS credentials (${message}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role.`;
    return failed("forbidden", text);
  }
  const { code, hint } = KNOWN[name] ?? { code: "unavailable" };
  const what = isAnswer(error) ? `answered ${name}` : "cannot be reached";
  const sentence = `The fleet ${what}: ${message.replace(/(?<![.!?])$/, ".")}`;
  return failed(code, hint === undefined ? sentence : `${sentence} ${hint}`);
}

/** Whether it may be over without a person. */
export const isTemporary = (error: unknown): boolean =>
  error instanceof AppError && ["unavailable", "too_many_requests"].includes(error.code);

export const noCluster = (name: string): AppError =>
  new AppError("not_found", `The fleet has no cluster ${name}. ${CLUSTER}`);

/** A one-off task for which there was no room. */
export const noPlace = (reasons: readonly string[]): AppError =>
  new AppError("unavailable", `The fleet has no room for the task (${reasons.join(", ")}).`);
