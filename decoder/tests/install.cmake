# install.cmake: the library installs to a prefix and programs build on it, by find_package and by
# pkg-config, shared and static.
# cmake -DBUILD=... -DSOURCE=... -DWORK=... -DGENERATOR=... -DCC=... [-DPKG_CONFIG=...] -P install.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
endfunction()

set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --component decoder)

# Only what the header declares, and nothing of the kernel's, may be in the include directory.
file(GLOB_RECURSE headers RELATIVE ${prefix} ${prefix}/include/*)
if(NOT headers STREQUAL "include/pagemapkit.h")
  message(FATAL_ERROR "installed headers: ${headers}")
endif()

foreach(target pagemapkit pagemapkit_static)
  run(${CMAKE_COMMAND} -S ${SOURCE}/consumer -B ${WORK}/${target} -G ${GENERATOR}
    -DCMAKE_C_COMPILER=${CC} -DCMAKE_C_FLAGS=${CFLAGS} -DCMAKE_PREFIX_PATH=${prefix} -DTARGET=${target})
  run(${CMAKE_COMMAND} --build ${WORK}/${target})
  run(${WORK}/${target}/consumer)
endforeach()

if(PKG_CONFIG)
  file(GLOB_RECURSE pc ${prefix}/pagemapkit.pc)
  get_filename_component(pc_dir ${pc} DIRECTORY)
  get_filename_component(lib_dir ${pc_dir} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  execute_process(COMMAND ${PKG_CONFIG} --define-variable=prefix=${prefix} --cflags --libs pagemapkit
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  separate_arguments(cflags UNIX_COMMAND "${CFLAGS}")
  run(${CC} ${cflags} -o ${WORK}/by-pkg-config ${SOURCE}/consumer/consumer.c ${flags} -Wl,-rpath,${lib_dir})
  run(${WORK}/by-pkg-config)
  run(${CC} ${cflags} -o ${WORK}/by-pkg-config-static ${SOURCE}/consumer/consumer.c
    -I${prefix}/include ${lib_dir}/libpagemapkit.a)
  run(${WORK}/by-pkg-config-static)
endif()
