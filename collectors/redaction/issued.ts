import type { SecretKind } from "./kinds.ts";
import {
  at,
  endOf,
  type Found,
  hasAt,
  isBase64Url,
  isInWord,
  isWordByte,
  type Text,
  type Trigger,
} from "./text.ts";

type Characters = (byte: number | undefined) => boolean;

/** A key or token that is recognised by the prefix that its issuer gives it. */
type Issued = {
  kind: SecretKind;
  prefix: string;
  /** Number of bytes after the prefix, at least. */
  min: number;
  /** Characters after the prefix. Default: letters, digits, `-` and `_`. */
  is?: Characters;
  /** If it has exactly `min` bytes. */
  isExact?: true;
};

const among = (characters: string): Characters => {
  const codes = new Set(Buffer.from(characters));
  return (byte) => byte !== undefined && codes.has(byte);
};
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const isAwsId = among(`${UPPER}234567`);
const isUpper = among(`${UPPER}0123456789`);
const isDotted: Characters = (byte) => byte === 0x2e || isBase64Url(byte);

const keys = (min: number, prefixes: string, is?: Characters): Issued[] =>
  prefixes.split(" ").map((prefix) => ({ kind: "key", prefix, min, ...(is && { is }) }));
const tokens = (min: number, prefixes: string, is?: Characters): Issued[] =>
  prefixes.split(" ").map((prefix) => ({ kind: "token", prefix, min, ...(is && { is }) }));

const ISSUED: readonly Issued[] = [
  // AWS: ids of permanent and temporary access keys.
  { kind: "key", prefix: "AKIA", min: 16, is: isAwsId, isExact: true },
  { kind: "key", prefix: "ASIA", min: 16, is: isAwsId, isExact: true },
  // Google: API keys, OAuth secrets and access tokens.
  { kind: "key", prefix: "AIza", min: 35, isExact: true },
  ...keys(20, "GOCSPX-"),
  ...tokens(20, "ya29.", isDotted),
  // Stripe and Square.
  ...keys(16, "sk_live_ sk_test_ rk_live_ rk_test_ whsec_ sq0csp- sq0atp-"),
  // OpenAI, Anthropic, Hugging Face, NVIDIA.
  ...keys(20, "sk-ant- sk-proj- sk-svcacct- nvapi-"),
  ...tokens(30, "hf_"),
  // SendGrid, Postman, New Relic, Grafana, Linear, Age.
  ...keys(40, "SG.", isDotted),
  ...keys(24, "PMAK- NRAK- lin_api_"),
  ...tokens(32, "glc_ glsa_"),
  ...keys(40, "AGE-SECRET-KEY-1", isUpper),
  // Code hosts and package registries.
  ...tokens(36, "ghp_ gho_ ghu_ ghs_ ghr_ npm_"),
  ...tokens(22, "github_pat_"),
  ...tokens(20, "glpat- gldt- glrt- glcbt- glptt- glft- glsoat-", isDotted),
  ...tokens(50, "pypi-AgEIcHlwaS5vcmc"),
  ...tokens(20, "dckr_pat_ rubygems_ ATATT3xFfGF0"),
  // Slack, Shopify, DigitalOcean, Vault, Sentry, Doppler.
  ...tokens(20, "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe.xoxp- xapp-"),
  ...tokens(32, "shpat_ shpca_ shppa_ shpss_"),
  ...tokens(40, "dop_v1_ doo_v1_ dor_v1_ sntrys_ sntryu_"),
  ...tokens(20, "hvs. hvb. dp.pt. dp.st.", isDotted),
];

/** By the character of the prefix that is rarest in logs, and its place there. */
const byMark = new Map<string, { issued: Issued; place: number }[]>();
for (const issued of ISSUED) {
  const place = markOf(issued.prefix);
  const mark = issued.prefix[place] ?? "";
  const known = byMark.get(mark);
  if (known) known.push({ issued, place });
  else byMark.set(mark, [{ issued, place }]);
}

function markOf(prefix: string): number {
  for (let i = prefix.length - 1; i > 0; i -= 1) if (/[-_.]/.test(prefix[i] ?? "")) return i;
  return Math.max(1, prefix.search(/[KIXF]/));
}

export const ISSUED_TRIGGERS: readonly Trigger[] = [...byMark].map(([bytes, all]) => ({
  bytes,
  after: all.map(({ issued, place }) => issued.prefix[place - 1]).join(""),
}));

/** A key or token of a known issuer, if this place is the mark of its prefix. */
export function findIssued(
  text: Text,
  mark: number,
  kinds: ReadonlySet<SecretKind>,
): (Found & { kind: SecretKind }) | undefined {
  for (const { issued, place } of byMark.get(String.fromCharCode(text.bytes[mark]!)) ?? []) {
    const { kind, prefix, min, is = isBase64Url, isExact } = issued;
    const from = mark - place;
    if (!kinds.has(kind) || !hasAt(text, from, prefix) || isInWord(text, from)) continue;
    const first = from + prefix.length;
    const to = endOf(text, first, is);
    const length = to - first;
    if (length < min || (isExact && (length > min || isWordByte(at(text, to))))) continue;
    return { kind, from, to: withoutDot(text, to) };
  }
  return undefined;
}

/** The full stop of a sentence is not part of a token. */
const withoutDot = (text: Text, to: number): number => (at(text, to - 1) === 0x2e ? to - 1 : to);
