import { type NewToken, TokenFile } from "#platform/tokens/token-file.ts";

import { PREFIX, PushToken, type TokenRequest } from "./push-token.ts";

/** The tokens with which logs are pushed, in the file `push-tokens.json` of the data folder. */
const FILE = new TokenFile<PushToken>({ name: "push-tokens", schema: PushToken, prefix: PREFIX });

/** Oldest first. @throws AppError if the file is damaged */
export const listTokens = (dataFolder: string): PushToken[] => FILE.list(dataFolder);

/** Makes a token, and returns its secret, which cannot be read again. @throws AppError conflict if the name is in use */
export const addToken = (
  dataFolder: string,
  request: TokenRequest,
  nowMs: number,
): Promise<NewToken<PushToken>> => FILE.add(dataFolder, request, nowMs);

/** The next request with this token is refused. Returns the removed token. @throws AppError not_found */
export const removeToken = (dataFolder: string, idOrName: string): Promise<PushToken> =>
  FILE.remove(dataFolder, idOrName);

/** Finds tokens by their secret. */
export type TokenReader = ReturnType<typeof openTokenReader>;
export const openTokenReader = (dataFolder: string) => FILE.reader(dataFolder);
