/** What to do about the usual errors of AWS, by their names. */
const ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), or a role of the machine",
  ExpiredToken: "the credentials have expired: renew them",
  ExpiredTokenException: "the credentials have expired: renew them",
  InvalidClientTokenId: "the access key is unknown: check AWS_ACCESS_KEY_ID",
  InvalidAccessKeyId: "the access key is unknown: check AWS_ACCESS_KEY_ID",
  SignatureDoesNotMatch: "the secret key is wrong: check AWS_SECRET_ACCESS_KEY",
  RequestTimeTooSkewed: "the clock of this machine is wrong: set it",
  NoSuchBucket: "the bucket does not exist",
  QueueDoesNotExist: "the queue does not exist",
};
const ACCESS_DENIED = /^(?:AccessDenied(?:Exception)?|AuthorizationError|Forbidden)$/;
const TEXT_MAX = 300;

/** The error as a text for people, with what to do if it is known. `action`: what was tried, such as `s3:GetObject`. */
export function explainAws(error: unknown, action: string): string {
  if (!(error instanceof Error)) return String(error).slice(0, TEXT_MAX);
  const { name } = error;
  const message = error.message.slice(0, TEXT_MAX);
  const known =
    ADVICE[name.replace(/^AWS\.SimpleQueueService\.NonExistentQueue$/, "QueueDoesNotExist")];
  if (known !== undefined) return `${known} (${name})`;
  if (/region is missing/i.test(message))
    return "the region is not known: give it, or set AWS_REGION";
  if (isDenied(error)) return `access is denied: allow ${action} in the policy (${message})`;
  return message === "" ? name : `${name}: ${message}`;
}

/** Whether the credentials are valid and the policy does not allow the action. */
export function isDenied(error: unknown): boolean {
  if (!(error instanceof Error) || ADVICE[error.name] !== undefined) return false;
  return ACCESS_DENIED.test(error.name) || statusOf(error) === 403;
}

/** The HTTP status of the answer of AWS; undefined if there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  return "httpStatusCode" in metadata && typeof metadata.httpStatusCode === "number"
    ? metadata.httpStatusCode
    : undefined;
}
