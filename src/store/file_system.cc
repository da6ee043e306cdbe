#include "store/file_system.h"

namespace synod {

Status replace_file(FileSystem& files, const std::string& dir, const std::string& name, ByteView bytes) {
  const std::string path = dir + "/" + name;
  const std::string temporary = path + ".tmp";
  SYNOD_RETURN_IF_ERROR(files.rewrite_and_sync(temporary, bytes));
  SYNOD_RETURN_IF_ERROR(files.rename_file(temporary, path));
  return files.sync_directory(dir);
}

}  // namespace synod
