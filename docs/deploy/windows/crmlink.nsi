; The Windows installer of crmlink, for NSIS 3 (makensis, also on Linux). `make package` builds it:
;   makensis -DVERSION=VERSION -DFILES=folder -DOUTPUT=crmlink-VERSION-setup.exe crmlink.nsi
; FILES has uv.exe, WinSW-x64.exe, requirements.txt and wheels\.
;
; Switches: /S          without questions
;           /OFFICE     others in the office use it: listens on the network, and opens the firewall
;           /NOSTART    leaves the service stopped: crmlink update checks first, then starts it
;           /PYTHON=P   use this python.exe (3.12) instead of letting uv download one
;           /D=FOLDER   where to install, as the last switch and without quotes
; Exit codes: 0 installed, 1 cancelled, 2 failed; install.log says why.

Target amd64-unicode
Unicode true
ManifestSupportedOS all
ManifestDPIAware true
RequestExecutionLevel admin
SetCompressor /SOLID lzma
SetDateSave off

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "x64.nsh"

!define PORT 8787
!define PYTHON_VERSION "3.12"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\crmlink"
!define RULE "crmlink"

Name "crmlink"
OutFile "${OUTPUT}"
InstallDir "$PROGRAMFILES64\crmlink"
BrandingText "crmlink ${VERSION}"

VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "crmlink"
VIAddVersionKey "FileDescription" "crmlink installer"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT licence"

Var Python
Var Options
Var Restarts
Var Described

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Open crmlink"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenPage
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Run a command without a window, its output to install.log; stop the installation if it fails.
!macro Run COMMAND WHAT
  DetailPrint "${WHAT}"
  nsExec::Exec 'cmd /c "${COMMAND} >> "$INSTDIR\install.log" 2>&1"'
  Pop $0
  ${If} $0 != 0
    DetailPrint "${WHAT} failed ($0)"
    MessageBox MB_ICONSTOP "${WHAT} failed. $INSTDIR\install.log says more." /SD IDOK
    SetErrorLevel 2
    Abort
  ${EndIf}
!macroend
!define Run "!insertmacro Run"

Section "crmlink" Main
  SectionIn RO
  SetOutPath "$INSTDIR"
  ; An update: the files in use are released first. The service's data is elsewhere and stays.
  ${If} ${FileExists} "$INSTDIR\crmlink-service.exe"
    nsExec::ExecToLog '"$INSTDIR\crmlink-service.exe" stopwait'
    Pop $0
  ${EndIf}
  RMDir /r "$INSTDIR\wheels"
  Delete "$INSTDIR\install.log"
  File "${FILES}/uv.exe"
  File "${FILES}/WinSW-x64.exe"
  File "${FILES}/requirements.txt"
  SetOutPath "$INSTDIR\wheels"
  File "${FILES}/wheels/*.whl"
  SetOutPath "$INSTDIR"

  System::Call 'Kernel32::SetEnvironmentVariable(t "UV_NO_CONFIG", t "1")'
  System::Call 'Kernel32::SetEnvironmentVariable(t "UV_PYTHON_INSTALL_DIR", t "$INSTDIR\python")'
  System::Call 'Kernel32::SetEnvironmentVariable(t "UV_CACHE_DIR", t "$INSTDIR\cache")'
  ${If} $Python == ""
    StrCpy $Python "${PYTHON_VERSION}"
    ${Run} '"$INSTDIR\uv.exe" python install --no-bin ${PYTHON_VERSION}' "Downloading Python ${PYTHON_VERSION}"
  ${EndIf}
  ${Run} '"$INSTDIR\uv.exe" venv --clear --python "$Python" "$INSTDIR\environment"' "Making the environment"
  ${Run} '"$INSTDIR\uv.exe" pip install --python "$INSTDIR\environment" --no-index --find-links "$INSTDIR\wheels" --require-hashes -r "$INSTDIR\requirements.txt"' "Installing crmlink"
  RMDir /r "$INSTDIR\cache"

  ; An update leaves the service's options as they are: an address or a certificate may be among them.
  ${If} $Described == 0
    Call ChooseOptions
    ${Run} '"$INSTDIR\environment\Scripts\python.exe" -m crmlink service install --winsw "$INSTDIR\WinSW-x64.exe" $Options' "Installing the service"
  ${EndIf}
  ${If} $Restarts == 1
    ${Run} '"$INSTDIR\environment\Scripts\python.exe" -m crmlink service start' "Starting the service"
  ${EndIf}
  nsExec::Exec 'netsh advfirewall firewall delete rule name="${RULE}"'
  Pop $0

  SetShellVarContext all
  CreateDirectory "$SMPROGRAMS\crmlink"
  WriteINIStr "$SMPROGRAMS\crmlink\crmlink.url" "InternetShortcut" "URL" "http://127.0.0.1:${PORT}/"

  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayName" "crmlink"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "Office" 0
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoRepair" 1
SectionEnd

Section /o "Others in the office use it" Office
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "Office" 1
  ${Run} 'netsh advfirewall firewall add rule name="${RULE}" dir=in action=allow protocol=TCP localport=${PORT} profile=domain,private' "Opening the firewall"
SectionEnd

LangString AboutMain ${LANG_ENGLISH} "The server, as a service that starts with the computer."
LangString AboutOffice ${LANG_ENGLISH} "Other computers in the office can reach crmlink. Opens the firewall for networks that are not public."
!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${Main} $(AboutMain)
  !insertmacro MUI_DESCRIPTION_TEXT ${Office} $(AboutOffice)
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
  SetRegView 64
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "crmlink needs a 64-bit Windows." /SD IDOK
    SetErrorLevel 2
    Abort
  ${EndIf}
  ${GetParameters} $R0
  ${GetOptions} $R0 "/PYTHON=" $Python
  StrCpy $Restarts 1
  ClearErrors
  ${GetOptions} $R0 "/NOSTART" $R1
  ${IfNot} ${Errors}
    StrCpy $Restarts 0
  ${EndIf}
  ReadRegStr $R1 HKLM "${UNINSTALL_KEY}" "InstallLocation" ; an update goes where crmlink is
  ${If} $R1 != ""
  ${AndIf} $INSTDIR == "$PROGRAMFILES64\crmlink"
    StrCpy $INSTDIR $R1
  ${EndIf}
  StrCpy $Described 0
  ${If} ${FileExists} "$INSTDIR\crmlink-service.xml"
    StrCpy $Described 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $R0 "/OFFICE" $R1
  ${If} ${Errors}
    ReadRegDWORD $R1 HKLM "${UNINSTALL_KEY}" "Office" ; an update keeps what was chosen
  ${Else}
    StrCpy $R1 1
    StrCpy $Described 0
  ${EndIf}
  ${If} $R1 == 1
    SectionGetFlags ${Office} $R2
    IntOp $R2 $R2 | ${SF_SELECTED}
    SectionSetFlags ${Office} $R2
  ${EndIf}
FunctionEnd

Function ChooseOptions
  StrCpy $Options "--port ${PORT}"
  ${If} ${SectionIsSelected} ${Office}
    ReadEnvStr $0 COMPUTERNAME
    StrCpy $Options "--port ${PORT} --host 0.0.0.0 --public-url http://$0:${PORT}"
  ${EndIf}
FunctionEnd

Function OpenPage
  SetShellVarContext all
  ${If} ${FileExists} "$APPDATA\crmlink\first-admin.html"
    ExecShell "open" "$APPDATA\crmlink\first-admin.html"
  ${Else}
    ExecShell "open" "http://127.0.0.1:${PORT}/"
  ${EndIf}
FunctionEnd

Section "un.crmlink"
  SetRegView 64
  SetShellVarContext all
  nsExec::ExecToLog '"$INSTDIR\environment\Scripts\python.exe" -m crmlink service uninstall'
  Pop $0
  nsExec::ExecToLog 'netsh advfirewall firewall delete rule name="${RULE}"'
  Pop $0
  RMDir /r "$SMPROGRAMS\crmlink"
  RMDir /r "$INSTDIR\environment"
  RMDir /r "$INSTDIR\python"
  RMDir /r "$INSTDIR\wheels"
  Delete "$INSTDIR\uv.exe"
  Delete "$INSTDIR\WinSW-x64.exe"
  Delete "$INSTDIR\crmlink-service.exe"
  Delete "$INSTDIR\crmlink-service.xml"
  Delete "$INSTDIR\crmlink-service*.log"
  Delete "$INSTDIR\requirements.txt"
  Delete "$INSTDIR\install.log"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${UNINSTALL_KEY}"
  ; The data in %ProgramData%\crmlink stays: links, people, keys.
SectionEnd
