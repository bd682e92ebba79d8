/** Where the metrics of a stage are filed: two stages of one account keep theirs apart. */
export function metricsNamespace(stage: string): string {
  return `Encore/${stage}`;
}

/** The metrics that functions count: summed. */
export const METRICS = {
  /** A list was answered. */
  listServed: 'ListServed',
  /** The same, by what made it. */
  personalServed: 'PersonalServed',
  foldInServed: 'FoldInServed',
  popularServed: 'PopularServed',
  noneServed: 'NoneServed',
  /** A listener with candidates, or who may have some, got the popular list because a read or a record failed. */
  personalListFailed: 'PersonalListFailed',
  /** A list was served without any model. */
  modelMissing: 'ModelMissing',
  /** The pointer or a model could not be read; the last one keeps serving. */
  modelRefreshFailed: 'ModelRefreshFailed',
  /** A list was served without what its listener did lately, because that could not be read. */
  recentEventsMissing: 'RecentEventsMissing',
  /** A listener who named artists got the popular list, because what they are folded in from was not loaded in time. */
  foldInMissing: 'FoldInMissing',
  /** A list was served whose exposure is certainly not in the log. */
  exposureUnlogged: 'ExposureUnlogged',
  /** A list was served whose exposure may or may not be in the log. */
  exposureUncertain: 'ExposureUncertain',
  /** A list was made without knowing the experiments: its listener took part in none. */
  experimentsUnknown: 'ExperimentsUnknown',
  /** An experiment or an exposure could not be read from its item, and was left out. */
  itemPoisoned: 'ItemPoisoned',
  /** A read-out reached its limit of time or of items, and says that it is not complete. */
  readOutIncomplete: 'ReadOutIncomplete',
  /** An event was stored. */
  eventsAccepted: 'EventsAccepted',
  /** An event was stored already. */
  eventsDuplicate: 'EventsDuplicate',
  /** An event was not valid. */
  eventsRefused: 'EventsRefused',
  /** A valid event was answered 503: it may or may not be stored, and is sent again by whoever keeps the contract. */
  eventsFailed: 'EventsFailed',
  /** An item of the events table could not be read as an event; a training left it out. */
  eventsPoisoned: 'EventsPoisoned',
  /** A training run ended with a new model. */
  trainingPublished: 'TrainingPublished',
  /** A training run ended without one. */
  trainingFailed: 'TrainingFailed',
  /** A part of the hourly upkeep failed. */
  upkeepFailed: 'UpkeepFailed',
  /** A tuned choice could not be used; the training went on without it. */
  tuningIgnored: 'TuningIgnored',
} as const;

export type Metric = (typeof METRICS)[keyof typeof METRICS];

/** The metrics that functions measure: a value at a time, in a unit of CloudWatch's. */
export const GAUGES = {
  /** How long a list took, from the request to its answer. */
  listLatency: { name: 'ListLatency', unit: 'Milliseconds' },
  /** How long ago the version that is served was made, hours. */
  modelAge: { name: 'ModelAgeHours', unit: 'None' },
  /** How long the candidates of the version that is served are still kept, days. */
  candidatesLeft: { name: 'CandidatesDaysLeft', unit: 'None' },
  /** What the version that is served reached on its own holdout; which version that is stands beside it. */
  servedNdcg: { name: 'ServedNdcgAt20', unit: 'None' },
  servedRecall: { name: 'ServedRecallAt20', unit: 'None' },
  servedCandidateRecall: { name: 'ServedCandidateRecall', unit: 'None' },
  servedCalibrationError: { name: 'ServedCalibrationError', unit: 'None' },
  /** How long a training took, whole. How long each step took stands beside it. */
  trainingSeconds: { name: 'TrainingSeconds', unit: 'Seconds' },
  /** Running experiments whose variants have other shares of the listeners than they should. */
  sampleRatioMismatches: { name: 'SampleRatioMismatches', unit: 'Count' },
  /** The largest share of listeners, 0-1, who saw more than one variant of a running experiment. */
  severalVariantsShare: { name: 'SeveralVariantsShare', unit: 'None' },
} as const;
export type Gauge = (typeof GAUGES)[keyof typeof GAUGES];
