import { AppError } from "#platform/errors.ts";

/** Documents in a request: each takes some hundred bytes beside its own. */
const DOCUMENTS_MAX = 500_000;
/** All documents of a request: a resource of OpenTelemetry is part of each of its documents. */
const BYTES_MAX = 128 * 1024 * 1024;

/** Counts the documents of a request. */
export class RequestSize {
  #documents = 0;
  #bytes = 0;

  /** @throws AppError too_large */
  add(documents: number, bytes: number): void {
    this.#documents += documents;
    this.#bytes += bytes;
    if (this.#documents > DOCUMENTS_MAX) throw tooLarge(`more than ${DOCUMENTS_MAX} events`);
    if (this.#bytes > BYTES_MAX) throw tooLarge(`more than ${BYTES_MAX} bytes of events`);
  }
}

const tooLarge = (found: string): AppError =>
  new AppError("too_large", `The request has ${found}: send them in several requests.`);
