/* SPDX-License-Identifier: Apache-2.0 */
/* Globals that are dangerous: modules with what is below them, names whatever their module, and pairs. */
#include "guest/scan/pickle/globals_table.h"

static const struct global_module pairs[] = {
    {"IPython", "embed start_ipython"},
    {"datasets", "load_dataset load_from_disk load_metric"},
    {"evaluate", "load"},
    {"fastai.learner", "load_learner load_model"},
    {"fastcore.xtras", "Path load_pickle open_file run save_pickle untar_dir"},
    {"joblib", "Memory Parallel delayed dump load parallel_backend register_store_backend wrap_non_picklable_objects"},
    {"joblib.numpy_pickle", "NumpyUnpickler _unpickle dump load load_temporary_memmap open read_zfile"},
    {"json", "JSONDecoder dump dumps load loads"},
    {"logging", "FileHandler basicConfig"},
    {"matplotlib", "rc_file use"},
    {"matplotlib.pyplot", "imread imsave savefig switch_backend"},
    {"networkx", "read_adjlist read_edgelist read_gml read_gpickle read_graphml write_gpickle"},
    {"nltk", "download"},
    {"numpy",
     "DataSource __builtins__ __config__ __loader__ fromfile fromregex genfromtxt info load loadtxt lookfor memmap "
     "recfromcsv recfromtxt run_module_suite save savetxt savez savez_compressed show_config source test tofile who"},
    {"numpy.core._multiarray_umath", "fromfile set_string_function"},
    {"numpy.core.arrayprint", "set_string_function"},
    {"numpy.core.multiarray", "fromfile set_string_function"},
    {"numpy.core.numeric", "fromfile"},
    {"numpy.core.records", "fromfile"},
    {"numpy.lib.utils", "info lookfor safe_eval source who"},
    {"omegaconf", "OmegaConf"},
    {"pandas",
     "ExcelFile ExcelWriter HDFStore eval read_clipboard read_csv read_excel read_feather read_fwf read_gbq read_hdf "
     "read_html read_json read_orc read_parquet read_pickle read_sas read_spss read_sql read_sql_query read_sql_table "
     "read_stata read_table read_xml show_versions test to_pickle"},
    {"scipy", "show_config test"},
    {"seaborn", "load_dataset"},
    {"string", "Formatter"},
    {"sympy", "S lambdify parse_expr sympify"},
    {"tensorflow", "io load_library load_op_library numpy_function py_function raw_ops saved_model"},
    {"torch", "_dynamo _inductor classes compile fx hub load multiprocessing ops package save serialization utils"},
    {"torch._C", "CompilationUnit PyTorchFileReader PyTorchFileWriter ScriptModule _import_ir_module_from_package "
                 "_jit_script_compile _load_for_lite_interpreter _load_jit_module_from_file import_ir_module "
                 "import_ir_module_from_buffer parse_ir"},
    {"torch._utils", "_import_dotted_name _rebuild_hook traceback"},
    {"torch.distributed", "init_process_group launch run"},
    {"torch.nn.modules.module", "torch"},
    {"torch.storage", "_new_shared_filename_cpu _share_filename_cpu"},
    {"torchvision", "set_image_backend"},
    {"transformers", "pipeline"},
};

static const struct global_group groups[] = {
    GLOBAL_GROUP(GLOBAL_DANGEROUS, pairs,
                 "a function of a package for data that opens files, connects, evaluates text, imports or unpickles"),
};

const struct global_table globals_dangerous = {.groups = groups, .count = sizeof groups / sizeof groups[0]};

/* Nothing of these, but for the exact pairs that other tables allow, is part of a model. */
static const struct global_words globals_dangerous_modules_entries[] = {
    {"a builtin that is no data: evaluates, opens, imports, or reaches into objects", "builtins"},
    {"calls what it is given when a block ends", "contextlib"},
    {"development, debugging or installation tooling, which runs code and has no place in a model",
     "Cython IPython PyInstaller _aix_support _lsprof _osx_support _pip _pydev_bundle _pyrepl _pytest ast bdb bpython "
     "cProfile cmd cmd2 conda coverage cppyy cx_Freeze cython debugpy dis distutils doctest easy_install ensurepip "
     "f2py faker fickling flit hatch hotshot hypothesis idlelib inspect ipdb ipykernel jupyter jupyter_client "
     "jupyter_core jupyter_server keyring lib2to3 line_profiler locust lsprof memory_profiler mock modelaudit "
     "modelscan nbconvert nbformat nose nose2 notebook nuitka numpy.compat numpy.ctypeslib numpy.distutils numpy.f2py "
     "numpy.testing opcode pandas._testing pandas.testing pandas.util._test_decorators pdb pex picklescan pip pkginfo "
     "poetry pprint profile prompt_toolkit pstats ptpython pudb py.test py2exe pyclbr pydevd pydevd_plugins pydoc "
     "pydoc_data pytest pythran pyximport reprlib scipy._lib scipy.weave setuptools shiv sklearn.utils._testing "
     "sklearn.utils.testing swig symtable tabnanny test timeit torch._C._distributed_c10d torch._appdirs "
     "torch._classes torch._custom_op torch._custom_ops torch._deploy torch._dynamo torch._export torch._functorch "
     "torch._guards torch._higher_order_ops torch._inductor torch._lazy torch._library torch._lobpcg torch._logging "
     "torch._numpy torch._ops torch._python_dispatch torch._sources torch._strobelight torch.autograd.profiler "
     "torch.classes torch.compiler torch.contrib torch.cuda.jiterator torch.cuda.nccl torch.export torch.fx torch.hub "
     "torch.jit torch.library torch.monitor torch.mtia torch.onnx torch.ops torch.profiler torch.testing torch.utils "
     "tox trace triton twine unittest venv virtualenv weave wheel xonsh"},
    {"evaluates text as code",
     "Bastion PyV8 RestrictedPython annotationlib asteval clr compiler dataclasses duckdb dukpy execjs "
     "formulaic.utils jnius jpype js2py julia juliacall lupa matlab numexpr oct2py pandas.core.computation patsy.eval "
     "ply py4j py_mini_racer pyparsing.testing pytensor.compile pythonnet quickjs restrictedpython rexec rpy2 "
     "simpleeval sqlite sqlite3 sympy.core.sympify sympy.parsing sympy.plotting sympy.utilities.lambdify theano "
     "typing wasmer wasmtime"},
    {"imports or loads modules and libraries by name",
     "_bootlocale _frozen_importlib _frozen_importlib_external _imp airflow.utils.module_loading celery.utils.imports "
     "django.utils.module_loading encodings entrypoints ihooks imp importlib importlib_metadata importlib_resources "
     "imputil kombu.utils.imports lazy_import lazy_loader lazy_object_proxy modulefinder pkg_resources pkgutil runpy "
     "six.moves._import_module stevedore twisted.python.reflect werkzeug.utils xml.sax zipapp zipimport "
     "zope.dottedname"},
    {"leads from any object to any other", "codecs copyreg functools operator types"},
    {"opens, writes or lists files",
     "PIL.Image PIL.ImageFile PIL.ImageGrab PIL.ImageShow _csv _dbm _gdbm _pyio adlfs aifc anydbm argparse astropy.io "
     "binhex bz2 chunk csv cv2 dbm dircache docx ffmpeg filecmp fileinput filelock fnmatch fsspec gcsfs genericpath "
     "glob graphviz gzip h5py h5py._hl.files imageio imghdr io librosa.core.audio linecache lxml lzma mailbox mailcap "
     "matplotlib.cbook matplotlib.image mhlib mimetypes moviepy netCDF4 netrc nibabel.loadsave nltk.data "
     "nltk.downloader numpy.DataSource numpy.core.memmap numpy.lib._datasource openpyxl optparse pandas.io "
     "pandas.read_pickle pathlib._os pdfkit pdfminer plistlib portalocker posixfile pyarrow.fs pyarrow.hdfs pydot "
     "pydub pypandoc s3fs scipy.io send2trash shutil skimage.data skimage.io sklearn.datasets smart_open sndhdr "
     "soundfile statsmodels.datasets statsmodels.iolib.smpickle sunau tables tarfile tempfile tokenize "
     "torchaudio.backend torchtext.utils torchvision.datasets.utils torchvision.io uu watchdog wave weasyprint xdrlib "
     "xlrd xlwt youtube_dl yt_dlp zarr zipfile zstandard"},
    {"reaches into the interpreter, its memory or its modules",
     "_abc _cffi_backend _ctypes _interpchannels _interpreters _msi _osx _py_abc _sitebuiltins _sys _sysconfigdata "
     "_testbuffer _testcapi _testinternalcapi _testmultiphase _tracemalloc _warnings _weakref _winreg "
     "_xxinterpchannels _xxsubinterpreters atexit cffi ctypes cupy.RawKernel dl faulthandler gc interpreters llvmlite "
     "mmap msilib numba platform readline resource rlcompleter signal site sitecustomize sys sysconfig traceback "
     "tracemalloc usercustomize warnings weakref winreg"},
    {"reaches out over the network",
     "MySQLdb _posixshmem _socket _ssl aiohttp aiomysql antigravity asynchat asyncore asyncpg azure boto boto3 "
     "botocore bottle cassandra cgi cgitb cherrypy confluent_kafka ctransformers cx_Oracle datasets.load discord "
     "django dns.resolver docker dulwich elasticsearch email.mime.audio evaluate.loading eventlet falcon fastapi "
     "flask frida ftplib gdown gevent git google.cloud googleapiclient gpt4all grpc gunicorn http httplib httplib2 "
     "httpx huggingface_hub imaplib impacket jinja2 kafka kaggle kubernetes ldap ldap3 llama_cpp mako mechanize minio "
     "mitmproxy nats neo4j nmap nntplib nturl2path oauthlib onnxruntime opensearchpy openvino oracledb paho peewee "
     "pika playwright poplib praw psycopg psycopg2 pulsar pwn pwnlib pycurl pyftpdlib pygit2 pymongo pymysql pyodbc "
     "redis requests requests_toolbelt sanic scapy scrapy select selectors selenium sendgrid shodan slack_sdk smtpd "
     "smtplib snowflake socket socketserver sqlalchemy sqlmodel ssl starlette stem telegram telethon telnetlib "
     "tensorflow_datasets tensorflow_hub tensorrt tornado tvm tweepy twilio twisted urllib urllib2 urllib3 uvicorn "
     "webbrowser websocket websockets werkzeug wget wsgiref xml.dom xml.etree xml.parsers xmlrpc xmlrpclib yagmail "
     "zmq"},
    {"reads configurations, which name code to run",
     "_yaml click configobj detectron2.config.instantiate detectron2.config.lazy "
     "diffusers.utils.dynamic_modules_utils dynaconf fairseq.checkpoint_utils fairseq.file_utils fairseq.utils fire "
     "gin hydra jsonargparse keras.api keras.layers.core.lambda_layer keras.layers.core.tf_op_layer "
     "keras.layers.serialization keras.saving keras.utils lightning_fabric.utilities.cloud_io "
     "lightning_utilities.core.imports logging.config logging.handlers pyhocon pytorch_lightning.cli ruamel "
     "ruamel_yaml spacy.cli spacy.util tensorflow.compat tensorflow.io tensorflow.python.debug "
     "tensorflow.python.framework tensorflow.python.lib tensorflow.python.ops.gen_io_ops tensorflow.python.ops.io_ops "
     "tensorflow.python.ops.script_ops tensorflow.python.platform tensorflow.python.saved_model "
     "tensorflow.python.tools tensorflow.raw_ops tensorflow.saved_model tensorflow.sysconfig timm.models._hub "
     "transformers.dynamic_module_utils transformers.utils.hub typer ultralytics.hub ultralytics.utils.checks "
     "ultralytics.utils.downloads yaml"},
    {"runs programs or code",
     "_posixsubprocess _winapi ansible asyncssh code codeop commands compileall crypt delegator envoy fabric fabric2 "
     "invoke msvcrt nt ntpath os paramiko pexpect plumbum popen2 posix posixpath pssh pty ptyprocess py_compile salt "
     "sh spwd subprocess winrm"},
    {"runs programs that tell a network card's address", "uuid"},
    {"starts or steers processes and threads",
     "_dummy_thread _interpqueues _multiprocessing _overlapped _thread _threading_local accelerate.commands "
     "accelerate.launchers accelerate.utils.launch accelerate.utils.other airflow anyio apache_beam asyncio azureml "
     "billiard celery comtypes concurrent curio daemon dagster dask.distributed deepspeed.launcher dummy_threading "
     "findspark joblib._parallel_backends joblib.executor joblib.parallel kedro kfp luigi metaflow mpi4py "
     "multiprocess multiprocessing prefect psutil pywinauto queue ray._private ray.util sagemaker sched subprocess32 "
     "supervisor thread threading torch.distributed.distributed_c10d torch.distributed.elastic "
     "torch.distributed.launch torch.distributed.launcher torch.distributed.nn torch.distributed.rendezvous "
     "torch.distributed.rpc torch.distributed.run torch.multiprocessing trio uvloop watchfiles xlwings zenml"},
    {"steers the terminal or desktop",
     "Tkinter _curses _locale _tkinter curses fcntl getpass gettext grp keyboard locale mouse nis ossaudiodev pwd "
     "pyautogui pynput pyperclip pythoncom syslog termios this tkinter tty turtle turtledemo win32api win32com "
     "win32con winsound"},
    {"unpickles or rebuilds code from its arguments",
     "ZODB _pickle bentoml cPickle cloudpathlib cloudpickle dill gensim.utils hickle joblib._store_backends "
     "joblib.externals joblib.func_inspect joblib.memory joblib.numpy_pickle_compat joblib.numpy_pickle_utils "
     "jsonpickle klepto marshal mlflow networkx.readwrite numpy.lib._format_impl numpy.lib._npyio_impl "
     "numpy.lib.format numpy.lib.npyio pandas.compat.pickle_compat pandas.io.pickle persistent pickle pickleshare "
     "pickletools pyspark quickle ray.cloudpickle shelve sklearn.externals skops.io srsly srsly.cloudpickle streamz "
     "torch._weights_only_unpickler torch.package torch.serialization zodbpickle"},
    {"waits, or sets clocks", "time"},
};

const struct global_wordlists globals_dangerous_modules = {.lists = globals_dangerous_modules_entries,
                                                           .count = sizeof globals_dangerous_modules_entries /
                                                                    sizeof globals_dangerous_modules_entries[0]};

/* Names of functions that do the same wherever they are defined or imported. */
static const struct global_words globals_dangerous_names_entries[] = {
    {"evaluates text as code",
     "compile eval eval_expr exec execfile lambdify literal_eval_unsafe run_string safe_eval"},
    {"imports or loads modules and libraries by name",
     "CDLL LoadLibrary OleDLL PyDLL WinDLL __import__ _import_module dlopen dynamic_import exec_module "
     "get_class_from_dynamic_module import_by_name import_file import_from_string import_module import_object "
     "import_string load_compiled load_dynamic load_extension load_file_system_library load_library load_module "
     "load_op_library load_source locate reload resolve_name run_module run_path subimport"},
    {"leads from any object to any other", "attrgetter delattr itemgetter methodcaller setattr"},
    {"opens, writes or lists files",
     "chmod chown open_code openf removedirs rmdir rmtree unlink write_bytes write_string_to_file write_text"},
    {"reaches out over the network", "ServerProxy create_connection download_file download_url urlopen urlretrieve"},
    {"runs programs or code",
     "Popen _run_pip check_call check_output execWrapper exec_cmd exec_command execl execle execlp execlpe execv "
     "execve execvp execvpe fork_exec forkpty getoutput getstatusoutput popen popen2 popen3 popen4 posix_spawn "
     "posix_spawnp run_cmd run_code run_command runcmd runcode runsource shell_exec spawnl spawnle spawnlp spawnlpe "
     "spawnv spawnve spawnvp spawnvpe startfile system"},
    {"unpickles or rebuilds code from its arguments",
     "CodeType FunctionType _create_code _create_function _make_function _make_skel_func code_new from_pickle "
     "full_load_unsafe load_pickle loads pickle_load read_gpickle read_pickle unpickle unsafe_load"},
};

const struct global_wordlists globals_dangerous_names = {.lists = globals_dangerous_names_entries,
                                                         .count = sizeof globals_dangerous_names_entries /
                                                                  sizeof globals_dangerous_names_entries[0]};

/* Parts of a module's path: copies of these modules in others. */
static const struct global_words globals_dangerous_parts_entries[] = {
    {"development, debugging or installation tooling, which runs code and has no place in a model",
     "bdb f2py idlelib pdb"},
    {"imports or loads modules and libraries by name", "imp importlib pkgutil runpy"},
    {"reaches into the interpreter, its memory or its modules", "__builtin__ builtins ctypes sys"},
    {"reaches out over the network", "httplib requests socket urllib urllib2"},
    {"runs programs or code", "commands nt os popen2 posix pty subprocess"},
    {"unpickles or rebuilds code from its arguments", "_pickle cPickle cloudpickle dill marshal pickle"},
};

const struct global_wordlists globals_dangerous_parts = {.lists = globals_dangerous_parts_entries,
                                                         .count = sizeof globals_dangerous_parts_entries /
                                                                  sizeof globals_dangerous_parts_entries[0]};

/* Modules as attributes of modules that import them. */
static const struct global_words globals_module_names_entries[] = {
    {"gives a module itself, and with it all that is in it",
     "ast asyncio atexit bdb builtins cPickle cProfile cloudpickle codecs codeop contextlib copy_reg copyreg ctypes "
     "dill dis doctest fcntl functools gc getpass glob http imp importlib inspect io itertools joblib json keras "
     "linecache locale logging marshal math mmap multiprocessing np nt numpy operator os pandas pathlib pd pdb pickle "
     "pkgutil platform posix pty pwd pydoc random re requests runpy scipy shutil signal site sklearn socket ssl "
     "subprocess sys sysconfig tarfile tempfile tensorflow tf threading time timeit tokenize torch traceback "
     "transformers unittest urllib warnings weakref webbrowser yaml zipfile"},
};

const struct global_wordlists globals_module_names = {.lists = globals_module_names_entries,
                                                      .count = sizeof globals_module_names_entries /
                                                               sizeof globals_module_names_entries[0]};
