#include "mon/core/tasks.h"

namespace synod {

bool is_writer_task(const Task& task) {
  return std::holds_alternative<FormTask>(task) || std::holds_alternative<CreateStoreTask>(task) ||
         std::holds_alternative<CloneStoreTask>(task) || std::holds_alternative<DiscardCopyTask>(task) ||
         std::holds_alternative<WriteChunkTask>(task) || std::holds_alternative<VerifyTask>(task) ||
         std::holds_alternative<SwitchTask>(task) || std::holds_alternative<KeepSegmentsTask>(task);
}

bool is_scrub_task(const Task& task) {
  return std::holds_alternative<ReadScrubTask>(task) || std::holds_alternative<ReadSegmentsTask>(task) ||
         std::holds_alternative<ReadPairsTask>(task) || std::holds_alternative<CompareSegmentsTask>(task) ||
         std::holds_alternative<ComparePairsTask>(task) || std::holds_alternative<CloseScrubTask>(task);
}

}  // namespace synod
