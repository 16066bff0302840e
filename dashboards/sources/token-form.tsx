"use client";

import { type FormEvent, useState } from "react";
import { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson, jsonBody } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";

const CreatedToken = z.object({ token: z.object({ name: z.string() }), secret: z.string() });

type TokenFormProps = {
  name: string;
  isMade: boolean;
  onToken: (name: string, secret: string) => void;
};

/** Makes the token with which a shipper pushes. Its secret is shown once. */
export function TokenForm({ name, isMade, onToken }: TokenFormProps) {
  const [problem, setProblem] = useState<Problem>();
  const [chosen, setChosen] = useState(name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    const request = jsonBody("POST", { name: chosen.trim() });
    fetchJson(CreatedToken, "/api/push-tokens", request).then(
      (made) => onToken(made.token.name, made.secret),
      (error: unknown) => setProblem(asProblem(error)),
    );
  };
  if (isMade) {
    return (
      <p>
        The token is in the configuration below. It is shown only now: Quarterdeck keeps a hash of
        it.
      </p>
    );
  }
  return (
    <form className="quarantine-path" onSubmit={submit}>
      <label>
        Name of its token{" "}
        <input
          value={chosen}
          required
          maxLength={80}
          onChange={({ target }) => setChosen(target.value)}
        />
      </label>
      <button type="submit" className="primary">
        Make a token
      </button>
      {problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={problem.detail ?? problem.title} />
        </p>
      ) : null}
    </form>
  );
}
