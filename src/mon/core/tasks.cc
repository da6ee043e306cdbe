#include "mon/core/tasks.h"

namespace synod {

bool is_writer_task(const Task& task) {
  return std::holds_alternative<FormTask>(task) || std::holds_alternative<CreateStoreTask>(task) ||
         std::holds_alternative<CloneStoreTask>(task) || std::holds_alternative<DiscardCopyTask>(task) ||
         std::holds_alternative<WriteChunkTask>(task) || std::holds_alternative<VerifyTask>(task) ||
         std::holds_alternative<SwitchTask>(task);
}

}  // namespace synod
