// Plain values come straight from the generated module: copying each of them by hand would only add places to forget a
// field. They are re-exported one by one, so that apps import `Cones` alone and see nothing else of that module.

@_exported import struct ConesGenerated.BundleInfo
@_exported import struct ConesGenerated.CatalogBundle
@_exported import struct ConesGenerated.CatalogInfo
@_exported import struct ConesGenerated.CatalogPack
@_exported import struct ConesGenerated.DamagedPack
@_exported import struct ConesGenerated.DeviceReport
@_exported import struct ConesGenerated.DownloadProgress
@_exported import struct ConesGenerated.GenerateProgress
@_exported import struct ConesGenerated.GivenEmbeds
@_exported import struct ConesGenerated.Hires
@_exported import struct ConesGenerated.ImageSize
@_exported import struct ConesGenerated.InitRecipe
@_exported import struct ConesGenerated.InpaintRecipe
@_exported import struct ConesGenerated.InstalledBundle
@_exported import struct ConesGenerated.LogRecord
@_exported import struct ConesGenerated.MemoryPlan
@_exported import struct ConesGenerated.MicroConditions
@_exported import struct ConesGenerated.PackInfo
@_exported import struct ConesGenerated.Preview
@_exported import struct ConesGenerated.PromptEmbeds
@_exported import struct ConesGenerated.ProviderReport
@_exported import struct ConesGenerated.Recipe
@_exported import struct ConesGenerated.RefusedPicture
@_exported import struct ConesGenerated.StageMemory
@_exported import struct ConesGenerated.Style
@_exported import struct ConesGenerated.SubjectRecipe
@_exported import struct ConesGenerated.SubjectWords
@_exported import struct ConesGenerated.Timings
@_exported import struct ConesGenerated.Variation
@_exported import struct ConesGenerated.Verdict
@_exported import struct ConesGenerated.WordBox

@_exported import enum ConesGenerated.LogLevel
@_exported import enum ConesGenerated.MemoryMode
@_exported import enum ConesGenerated.Precision
@_exported import enum ConesGenerated.Provider
@_exported import enum ConesGenerated.QueueState
@_exported import enum ConesGenerated.SafetyPolicy
@_exported import enum ConesGenerated.Scheduler
@_exported import enum ConesGenerated.Scope
@_exported import enum ConesGenerated.Stage
@_exported import enum ConesGenerated.Treatment
