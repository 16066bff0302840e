/**
 * The maximum number of datasets in a store. Each one has its own rollup cells, live window and entry in the list of the
 * board, so that a sender with a random name in each event would use up memory and disk.
 */
export const DATASETS_MAX = 1000;
/** Longer names are treated like those beyond the maximum. */
export const DATASET_BYTES_MAX = 200;

/** The dataset of events whose own one is beyond the maximum; its name is in their field ORIGINAL_DATASET. */
export const OVERFLOW_DATASET = "quarterdeck.overflow";
export const ORIGINAL_DATASET = "labels.original_dataset";
