package dev.cones

/** Where the graphs run: `AUTO`, `CPU`, `CUDA`, `CORE_ML`, `XNNPACK`, `NNAPI`. [Cones.deviceReport] says what is there. */
public typealias Provider = dev.cones.generated.Provider

/**
 * What stays in memory between and during pictures: `AUTO` (the fastest of what follows that fits), `RESIDENT` (everything),
 * `SEQUENTIAL` (one graph after another) or `LEAST` (and weights stay in their files).
 */
public typealias MemoryMode = dev.cones.generated.MemoryMode

/** What a subject changes: `PROMPT` (the whole prompt) or `TRIGGER` (its own trigger's tokens only). */
public typealias Scope = dev.cones.generated.Scope

/** What a pack keeps per neuron: `BINARY`, `QUATERNARY`, `FLOAT16`, `FLOAT32`; or of whole matrices, as a LoRA: `LOW_RANK`. */
public typealias Precision = dev.cones.generated.Precision

/** How noise becomes a picture: `DDIM`, `DPM_SOLVER`, `DPM_SOLVER_KARRAS`, `EULER`, `EULER_ANCESTRAL`, `LCM`, `TCD`. */
public typealias Scheduler = dev.cones.generated.Scheduler

/** How much is logged: `OFF` to `TRACE`. Prompts, paths and pictures are never in a record above `DEBUG`. */
public typealias LogLevel = dev.cones.generated.LogLevel
