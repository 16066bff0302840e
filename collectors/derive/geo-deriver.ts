import { readFileSync } from "node:fs";

import { type AsnResponse, type CountryResponse, Reader, type Response } from "mmdb-lib";

import { AppError } from "#platform/errors.ts";

import type { Batch } from "../batch.ts";
import type { NumberColumn } from "../number-column.ts";
import type { TextColumn } from "../text-column.ts";
import { IdMap } from "./id-map.ts";

/** Paths of MMDB files in the layout of GeoLite2 and DB-IP Lite. */
export type GeoFiles = { country?: string | undefined; asn?: string | undefined };

/** Derives `source.geo.*` and `source.as.*` from source.ip, once per distinct address. */
export class GeoDeriver {
  readonly #countries: Reader<CountryResponse> | undefined;
  readonly #networks: Reader<AsnResponse> | undefined;
  readonly #addresses: TextColumn;
  readonly #codes: { column: TextColumn; map: IdMap };
  readonly #names: { column: TextColumn; map: IdMap };
  readonly #organisations: { column: TextColumn; map: IdMap };
  readonly #numbers: NumberColumn;
  /** By the number of the address; NaN if it has none. */
  #numberOf = new Float64Array(1024).fill(Number.NaN);
  #learned = 0;

  /** @throws AppError bad_request if a file cannot be read */
  constructor(batch: Batch, { country, asn }: GeoFiles) {
    this.#countries = country === undefined ? undefined : openMmdb<CountryResponse>(country);
    this.#networks = asn === undefined ? undefined : openMmdb<AsnResponse>(asn);
    this.#addresses = batch.text("source.ip");
    this.#codes = { column: batch.text("source.geo.country_iso_code"), map: new IdMap() };
    this.#names = { column: batch.text("source.geo.country_name"), map: new IdMap() };
    this.#organisations = { column: batch.text("source.as.organization.name"), map: new IdMap() };
    this.#numbers = batch.number("source.as.number");
  }

  derive(fromRow: number, toRow: number): void {
    const { size, ids } = this.#addresses;
    const texts = [this.#codes, this.#names, this.#organisations];
    for (const { map } of texts) map.grow(size);
    if (size >= this.#numberOf.length) {
      const grown = new Float64Array(2 * size).fill(Number.NaN);
      grown.set(this.#numberOf);
      this.#numberOf = grown;
    }
    for (let id = this.#learned + 1; id <= size; id += 1) this.#learn(id);
    this.#learned = size;
    for (const { column, map } of texts) map.copy(ids, column.ids, fromRow, toRow);
    if (!this.#networks) return;
    const { values } = this.#numbers;
    for (let row = fromRow; row < toRow; row += 1) {
      if (Number.isNaN(values[row])) values[row] = this.#numberOf[ids[row]!]!;
    }
  }

  #learn(id: number): void {
    const address = this.#addresses.text(id);
    const found = find(this.#countries, address);
    const country = found?.country ?? found?.registered_country;
    put(this.#codes, id, country?.iso_code);
    put(this.#names, id, country?.names?.en);
    const network = find(this.#networks, address);
    put(this.#organisations, id, network?.autonomous_system_organization);
    const number = network?.autonomous_system_number;
    if (typeof number === "number") this.#numberOf[id] = number;
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#numberOf.fill(Number.NaN, 0, this.#learned + 1);
    this.#learned = 0;
    for (const { map } of [this.#codes, this.#names, this.#organisations]) map.reset();
  }
}

function openMmdb<T extends Response>(path: string): Reader<T> {
  try {
    return new Reader<T>(readFileSync(path));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError(
      "bad_request",
      `${path} cannot be read as an MMDB file, such as GeoLite2-Country.mmdb (${why})`,
      { cause: error },
    );
  }
}

/** Undefined for an address that the file does not have, or whose record is damaged. */
function find<T extends Response>(reader: Reader<T> | undefined, address: string): T | undefined {
  try {
    return reader?.get(address) ?? undefined;
  } catch {
    return undefined;
  }
}

function put(
  { column, map }: { column: TextColumn; map: IdMap },
  id: number,
  value: unknown,
): void {
  if (typeof value === "string" && value !== "") map.ids[id] = column.internText(value);
}
